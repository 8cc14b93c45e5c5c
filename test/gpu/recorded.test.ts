/** Proves that a comparison with recorded layers names the first layer that differs, and the cause. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { NumberArray } from '../../src/formats/npy.js';
import { openGpu } from '../../src/gpu/device.js';
import type { GraphBuilder } from '../../src/graph/ir/graph.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import { convolution } from '../../src/nets/layers/layers.js';
import { relu } from '../../src/ops/layers/activation.js';
import { batchNorm } from '../../src/ops/layers/batch_norm.js';
import { conv2d } from '../../src/ops/layers/conv2d.js';
import { seededRandom } from '../../src/random.js';
import { compareWithRecording } from '../../src/verify/against_recording.js';
import { channelsFirst } from '../../src/verify/recorded.js';
import { evaluateReference } from '../../src/verify/reference.js';
import { generated } from '../support/torch.js';

/** What the program that records may do otherwise. */
interface Deviations {
  /** Of the batch norm. */
  epsilon?: number;
  /** Whether the layer with stride 2 pads as TensorFlow does: below and to the right alone. */
  isPaddedBehind?: boolean;
  /** What it does with the input before the first layer. */
  seen?: (values: Float64Array) => Float64Array;
}

function build(g: GraphBuilder, image: Tensor, { epsilon, isPaddedBehind = false }: Deviations = {}): Tensor[] {
  const x = convolution(g, image, 'net.conv0', { outputs: 6, kernel: 3, bias: false });
  const y = relu(g, batchNorm(g, x, 'net.norm0', epsilon), 'net.norm0/relu');
  const weight = g.parameter('net.conv1.weight', [4, 6, 3, 3]);
  const bias = g.parameter('net.conv1.bias', [4]);
  const padding = isPaddedBehind ? ([0, 0, 1, 1] as const) : 1;
  return [conv2d(g, y, weight, bias, { stride: 2, padding, name: 'net.conv1' })];
}

/** The input with its channels in the reverse order. */
const reversed = (values: Float64Array) => values.map((_, i) => values[i - (i % 3) + 2 - (i % 3)]);

/** What another program would have recorded of the network, in float64. */
function recording(deviations: Deviations = {}, { height = 16, isLast = false } = {}) {
  const random = seededRandom(3);
  const g = createGraph();
  const image = g.input('image', [2, height, 14, 3]);
  const graph = g.finish(build(g, image, deviations));
  const values = Float64Array.from({ length: 2 * height * 14 * 3 }, () => random() * 2 - 1);
  const seen = deviations.seen?.(values) ?? values;
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

const network = { build: (g: GraphBuilder, image: Tensor) => build(g, image), weights: generated, channels: 3 };

test('a recording is compared layer by layer; the first that differs is named with its cause', async () => {
  const gpu = await openGpu();
  const compare = (recorded: ReturnType<typeof recording>) =>
    compareWithRecording(gpu, network, recorded, { tolerance: 1e-4 });
  const good = recording();
  // A layer may have its channels last although the others have them first, as in torchvision's ConvNeXt.
  good.set('net.norm0', recording({}, { isLast: true }).get('net.norm0')!);
  good.set('other.layer', { shape: [1], data: new Float64Array(1) });
  const agreed = await compare(good);
  assert.is(agreed.first, undefined);
  assert.is(agreed.layout, 'nchw');
  assert.equal([agreed.unmatched, agreed.absorbed], [['other.layer'], []]);
  assert.ok(agreed.layers.length >= 3 && agreed.layers.every(({ nmse = 1 }) => nmse < 1e-10));

  // As high as it has channels: the shape of the input shows nothing, and the layout that is told says what its sides are.
  const low = recording({}, { height: 3, isLast: true });
  const told = await compareWithRecording(gpu, network, low, { tolerance: 1e-4, layout: 'nhwc' });
  assert.is(told.first, undefined);
  assert.ok(told.layers.length >= 3);

  // Networks that really differ: each is named by its first layer and the cause.
  const broken: [deviations: Deviations, layer: string, cause: RegExp][] = [
    [{ seen: reversed }, 'module.net.conv0', /^channel order/],
    [{ epsilon: 1e-3 }, 'net.norm0', /^epsilon: the recording fits an epsilon of 0\.0010, raybox uses 0\.00001/],
    [{ isPaddedBehind: true }, 'module.net.conv1', /^padding: the layer agrees for an input that is shifted/],
    [{ seen: (values) => values.map((v) => 2 * v - 0.5) }, 'module.net.conv0', /^normalisation: .* 2\.0000 times/],
    [{ seen: (values) => values.map((v) => v + 0.5) }, 'module.net.conv0', /^bias: .* the mean of the input/],
  ];
  for (const [deviations, layer, cause] of broken) {
    const { first } = await compare(recording(deviations));
    assert.is(first?.name, layer);
    assert.match(first?.cause ?? '', cause);
  }

  const cut = recording();
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
