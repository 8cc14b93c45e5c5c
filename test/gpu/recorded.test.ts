import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { NumberArray } from '../../src/formats/npy.js';
import { openGpu } from '../../src/gpu/device.js';
import type { GraphBuilder } from '../../src/graph/ir/graph.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import { convolution, normRelu } from '../../src/nets/layers.js';
import { seededRandom } from '../../src/random.js';
import { compareWithRecording } from '../../src/verify/against_recording.js';
import { channelsFirst } from '../../src/verify/recorded.js';
import { evaluateReference } from '../../src/verify/reference.js';
import { generated } from '../support/torch.js';

function build(g: GraphBuilder, image: Tensor): Tensor[] {
  const x = normRelu(g, convolution(g, image, 'net.conv0', { outputs: 6, kernel: 3, bias: false }), 'net.norm0');
  return [convolution(g, x, 'net.conv1', { outputs: 4, kernel: 3, stride: 2 })];
}

/** What another program would have recorded of the network, in float64, for an input whose channels are in the order given. */
function recording(isReversed: boolean, { height = 16, isLast = false } = {}) {
  const random = seededRandom(3);
  const g = createGraph();
  const image = g.input('image', [2, height, 14, 3]);
  const graph = g.finish(build(g, image));
  const values = Float64Array.from({ length: 2 * height * 14 * 3 }, () => random() * 2 - 1);
  const seen = isReversed ? values.map((_, i) => values[i - (i % 3) + 2 - (i % 3)]) : values;
  const known = new Map([
    [image, seen],
    ...[...g.parameters].map(
      ([name, tensor]) => [tensor, Float64Array.from(generated(name, tensor.shape) as Float32Array)] as const,
    ),
  ]);
  const results = evaluateReference(graph, known);
  const recorded = graph.nodes.flatMap(({ operation, outputs: [y] }) => {
    const [n, h, w, c] = y.shape;
    const name = operation.name === 'conv2d' ? `module.${y.name}` : y.name;
    const own = isLast
      ? { shape: [n, h, w, c], data: results.get(y)! }
      : { shape: [n, c, h, w], data: channelsFirst(results.get(y)!, y.shape) };
    return [[name, own] as const];
  });
  const input = isLast
    ? { shape: [2, height, 14, 3], data: values }
    : { shape: [2, 3, height, 14], data: channelsFirst(values, image.shape) };
  return new Map<string, NumberArray>([['input', input], ...recorded]);
}

const network = { build, weights: generated, channels: 3 };

test('a recording is compared layer by layer; the first that differs is named with its cause', async () => {
  const gpu = await openGpu();
  const compare = (recorded: ReturnType<typeof recording>) =>
    compareWithRecording(gpu, network, recorded, { tolerance: 1e-4 });
  const good = recording(false);
  good.set('other.layer', { shape: [1], data: new Float64Array(1) });
  const agreed = await compare(good);
  assert.is(agreed.first, undefined);
  assert.is(agreed.layout, 'nchw');
  assert.equal(agreed.unmatched, ['other.layer']);
  assert.ok(agreed.layers.length >= 3 && agreed.layers.every(({ nmse = 1 }) => nmse < 1e-10));

  // As high as it has channels: the shape of the input shows nothing, and the layout that is told says what its sides are.
  const low = recording(false, { height: 3, isLast: true });
  const told = await compareWithRecording(gpu, network, low, { tolerance: 1e-4, layout: 'nhwc' });
  assert.is(told.first, undefined);
  assert.ok(told.layers.length >= 3);

  const swapped = await compare(recording(true));
  assert.is(swapped.first?.name, 'module.net.conv0');
  assert.match(swapped.first?.cause ?? '', /^channel order/);

  const cut = recording(false);
  cut.set('net.conv1', { shape: [2, 4, 7, 7], data: new Float64Array(2 * 4 * 49) });
  cut.delete('module.net.conv1');
  assert.match((await compare(cut)).first?.cause ?? '', /^shape/);

  const nothing = new Map([...good].filter(([name]) => ['input', 'other.layer'].includes(name)));
  const refused = await compare(nothing).then(
    () => '',
    (error: Error) => error.message,
  );
  assert.match(refused, /no recorded activation belongs/);
  gpu.close();
});

test.run();
