/** The worker thread of `threads.ts`. It receives indices of images, draws and writes these images, and answers with their rows. */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { encodePng } from '../../formats/images/png.js';
import { drawPhantom, type PhantomOptions } from '../../phantom/index.js';
import type { PhantomRow } from './tables.js';

const { drawing, part } = workerData as { drawing: Omit<PhantomOptions, 'index'>; part: string };

async function draw(index: number): Promise<PhantomRow> {
  const { image, labels, boxes, report, patient } = drawPhantom({ ...drawing, index });
  const { id, followUp, age, sex, view } = patient;
  const name = `${String(id).padStart(8, '0')}_${String(followUp).padStart(3, '0')}`;
  const file = join(part, 'images', `${name}.png`);
  writeFileSync(`${file}.part`, await encodePng(image));
  renameSync(`${file}.part`, file);
  writeFileSync(join(part, 'reports', `${name}.txt`), report);
  return { index, image: `${name}.png`, labels, boxes, patient: id, followUp, age, sex, view };
}

parentPort?.on('message', async (indices: number[]) => {
  parentPort?.postMessage(await Promise.all(indices.map(draw)));
});
