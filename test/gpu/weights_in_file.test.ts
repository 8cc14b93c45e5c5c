/** Proves that weights which are uploaded piece by piece, from a file, give the bits of weights that are in memory as a whole. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import type { WeightSource } from '../../src/graph/plan/types.js';
import { load } from '../../src/index.js';
import { contentOf, tinyPicture, tinyWeights } from '../support/tiny.js';

const gpu = await openGpu();
test.after(() => gpu.close());

const torch = new URL('../../../test/fixtures/torch-verified/model.pth', import.meta.url);

for (const [name, bytes] of [
  ['tiny.safetensors', tinyWeights(3)],
  ['model.pth', new Uint8Array(readFileSync(torch))],
] as const)
  test(`${name}: a path and its bytes give the same results`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'raybox-weights-'));
    const path = join(folder, name);
    writeFileSync(path, bytes);
    const image = tinyPicture(1);
    const some = await load(path, { device: gpu.device });
    rmSync(folder, { recursive: true });
    const other = await load(bytes, { device: gpu.device });
    assert.equal(contentOf(await some.localize(image)), contentOf(await other.localize(image)));
    await some.close();
    await other.close();
  });

const values = Float32Array.from({ length: 30 }, (_, i) => Math.cos(i));
const whole: WeightSource = () => values;
const cut = (...ends: number[]): WeightSource =>
  Object.assign(
    (): never => {
      throw new Error('pieces are asked for');
    },
    {
      *pieces() {
        const buffer = new Float32Array(30);
        for (const [index, end] of ends.entries()) {
          const from = index > 0 ? ends[index - 1] : 0;
          const piece = buffer.subarray(0, end - from);
          piece.set(values.subarray(from, end));
          yield piece;
          buffer.fill(Number.NaN);
        }
      },
    },
  );

async function constantOf(weights: WeightSource) {
  const g = createGraph();
  const parameter = g.parameter('w', [5, 6]);
  const plan = await createPlan(gpu, g.finish([parameter]), { weights });
  const read = await plan.read(parameter);
  plan.close();
  return read;
}

test('pieces in a buffer that is used again fill a constant', async () => {
  assert.equal(await constantOf(cut(4, 16, 22, 30)), await constantOf(whole));
});

test('pieces with too few or too many values are refused', async () => {
  for (const ends of [
    [4, 16],
    [16, 31],
  ])
    await constantOf(cut(...ends)).then(
      () => assert.unreachable('refused'),
      (error: Error) => assert.match(error.message, /wrong number of values for parameter w.*30 for f32\[5×6\]/s),
    );
});

test.run();
