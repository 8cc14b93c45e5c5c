/** Where Winograd's method is chosen on software adapters: not only time counts, but also the memory of its weights. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Operation, Traits } from '../../src/graph/ir/operation.js';
import { forward as conv2d } from '../../src/ops/layers/conv2d.js';
import { buildCase } from '../../src/verify/check.js';

const traits: Traits = {
  ...{ software: true, f16: true, subgroupSize: 8, maxInvocations: 1024 },
  ...{ maxWorkgroupBytes: 32 << 10, maxBindingBytes: 128 << 20 },
};
const operation = conv2d as unknown as Operation;
const attributes = { stride: [1, 1], dilation: [1, 1], padding: [1, 1, 1, 1], groups: 1 };

/** The variant that the rules choose for a 3×3 layer with as many outputs as inputs. */
function chosen(images: number, side: number, channels: number): string {
  const inputs = [{ shape: [images, side, side, channels] }, { shape: [channels, channels, 3, 3] }];
  const { node } = buildCase(operation, { inputs, attributes }, 'f32');
  return operation.variants!(node, traits, () => true)[0];
}

test('layers of ResNet-50: it is chosen where it saves much for each byte that its weights add', () => {
  assert.is(chosen(1, 56, 64), 'winograd4_subgroup');
  assert.is(chosen(1, 28, 128), 'winograd4_subgroup');
  assert.is(chosen(1, 14, 256), 'subgroup_wide'); // five such layers would add 34 MiB with tiles of 4, and 9 with tiles of 2, which hardly save time
  assert.is(chosen(1, 7, 512), 'subgroup_wide'); // two layers would add 14 MiB
});

test('plans for all batch sizes choose the same, since the weights are packed only once', () => {
  for (const side of [56, 28, 14, 7])
    for (const images of [2, 4, 16])
      assert.is(chosen(images, side, 3584 / side), chosen(1, side, 3584 / side), `${images} images of ${side}²`);
});

test.run();
