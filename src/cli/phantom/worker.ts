/** The worker thread of `threads.ts`. It receives indices of images, draws and writes these images, and answers with their rows. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { drawPhantom, type PhantomOptions } from '../../phantom/index.js';
import type { PhantomRow } from './tables.js';

const { drawing, part } = workerData as { drawing: Omit<PhantomOptions, 'index'>; part: string };
const { PNG } = await import('../../node/vendor/pngjs.js');

function draw(index: number): PhantomRow {
  const { image, labels, boxes, report, patient } = drawPhantom({ ...drawing, index });
  const { id, followUp, age, sex, view } = patient;
  const name = `${String(id).padStart(8, '0')}_${String(followUp).padStart(3, '0')}`;
  const png = new PNG({ width: image.width, height: image.height });
  png.data = Buffer.from(image.data);
  const bytes = PNG.sync.write(png, { colorType: 0, inputColorType: 0, inputHasAlpha: false, deflateLevel: 6 });
  const file = join(part, 'images', `${name}.png`);
  writeFileSync(`${file}.part`, bytes);
  renameSync(`${file}.part`, file);
  writeFileSync(join(part, 'reports', `${name}.txt`), report);
  return { index, image: `${name}.png`, labels, boxes, patient: id, followUp, age, sex, view };
}

parentPort?.on('message', (indices: number[]) => {
  parentPort?.postMessage(indices.map(draw));
});
