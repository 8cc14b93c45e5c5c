/**
 * Random small classifiers as ONNX models, through raybox in float64 and through onnxruntime.
 *
 *     npm install --no-save onnxruntime-web
 *     node dist/bench/robustness/onnx/random.js [COUNT] [SEED]
 *
 * Prints each model whose logits differ, with its nodes, and how many agree. What raybox refuses is counted by its reason.
 */

import { InputError } from '../../../src/errors.js';
import { loadOptional } from '../../../src/formats/optional.js';
import { createGraph } from '../../../src/graph/ir/graph.js';
import type { Tensor } from '../../../src/graph/ir/tensor.js';
import { readModel } from '../../../src/localizer/model.js';
import { seededRandom } from '../../../src/random.js';
import { evaluateReference } from '../../../src/verify/reference.js';
import { type OnnxNode, type OnnxTensor, onnxModel } from '../../../test/support/onnx.js';

const [count = 200, seed = 1] = process.argv.slice(2).map(Number);
const random = seededRandom(seed);
const below = (limit: number) => Math.floor(random() * limit);
const one = <T>(list: readonly T[]): T => list[below(list.length)];

/** A network as it grows: its last value has the shape [1, c, h, w]. */
interface Growing {
  readonly nodes: OnnxNode[];
  readonly tensors: Record<string, OnnxTensor>;
  readonly opset: number;
  /** Earlier values with their shapes. */
  readonly values: { name: string; shape: readonly [c: number, h: number, w: number] }[];
}

type Step = (net: Growing, x: Growing['values'][number]) => Growing['values'][number] | undefined;

let names = 0;
const fresh = (what: string) => `${what}${names++}`;

function tensor({ tensors }: Growing, dims: readonly number[], from = -1, to = 1): string {
  const name = fresh('w');
  const length = dims.reduce((a, b) => a * b, 1);
  tensors[name] = { dims, data: Float32Array.from({ length }, () => from + random() * (to - from)) };
  return name;
}

function ints({ tensors }: Growing, ...data: number[]): string {
  const name = fresh('i');
  tensors[name] = { dims: [data.length], data, type: 'i64' };
  return name;
}

function add(net: Growing, op: string, inputs: readonly string[], attributes: OnnxNode['attributes'] = {}): string {
  const output = fresh(op);
  net.nodes.push({ op, inputs, outputs: [output], name: output, attributes });
  return output;
}

const windows = (size: number, stride: number, span: number, before: number, behind: number, up = false) => {
  const windowsOf = (size + before + behind - span) / stride;
  const number = (up ? Math.ceil(windowsOf) : Math.floor(windowsOf)) + 1;
  return up && (number - 1) * stride >= size + before ? number - 1 : number;
};

const convolution: Step = (net, { name, shape: [c, h, w] }) => {
  const groups = one([1, 1, 1, c, c % 2 === 0 ? 2 : 1]);
  const outputs = groups * (1 + below(groups === c ? 2 : 4));
  const [kh, kw] = [1 + below(3), 1 + below(3)];
  const [stride, dilation] = [1 + below(2), 1 + below(2)];
  const spans = [kh, kw].map((kernel) => dilation * (kernel - 1) + 1);
  const auto = one(['NOTSET', 'NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID']);
  const pads = [0, 0, 0, 0].map((_, side) => below(Math.max(1, spans[side % 2])));
  const weight = tensor(net, [outputs, c / groups, kh, kw]);
  const y = add(net, 'Conv', random() < 0.5 ? [name, weight] : [name, weight, tensor(net, [outputs])], {
    ...{ strides: [stride, stride], dilations: [dilation, dilation], group: groups },
    ...(auto === 'NOTSET' ? { pads } : { auto_pad: auto }),
  });
  const sizes = [h, w].map((size, axis) => {
    if (auto.startsWith('SAME')) return Math.ceil(size / stride);
    const [before, behind] = auto === 'VALID' ? [0, 0] : [pads[axis], pads[axis + 2]];
    return windows(size, stride, spans[axis], before, behind);
  });
  return { name: y, shape: [outputs, sizes[0], sizes[1]] };
};

const pooling: Step = (net, { name, shape: [c, h, w] }) => {
  const [kernel, stride] = [2 + below(2), 1 + below(2)];
  const pads = [0, 0, 0, 0].map(() => below(2));
  const up = net.opset >= 10 && random() < 0.4;
  const isMax = random() < 0.5;
  const y = add(net, isMax ? 'MaxPool' : 'AveragePool', [name], {
    ...{ kernel_shape: [kernel, kernel], strides: [stride, stride], pads },
    ...(up ? { ceil_mode: 1 } : {}),
    ...(!isMax && random() < 0.5 ? { count_include_pad: 1 } : {}),
  });
  const along = (size: number, axis: number) => windows(size, stride, kernel, pads[axis], pads[axis + 2], up);
  return { name: y, shape: [c, along(h, 0), along(w, 1)] };
};

const same =
  (of: (net: Growing, name: string, shape: readonly [number, number, number]) => string): Step =>
  (net, { name, shape }) => ({ name: of(net, name, shape), shape });

const activation = same((net, name) => {
  const kind = one([
    'Relu',
    'Sigmoid',
    'Tanh',
    'LeakyRelu',
    'HardSigmoid',
    'Elu',
    'Softplus',
    'Abs',
    'Neg',
    'Softsign',
    'Selu',
  ]);
  return kind === 'LeakyRelu' || kind === 'Elu' ? add(net, kind, [name], { alpha: 0.3 }) : add(net, kind, [name]);
});

const gated = same((net, name) =>
  add(net, 'Mul', random() < 0.5 ? [name, add(net, 'Sigmoid', [name])] : [add(net, 'Sigmoid', [name]), name]),
);

const norm = same((net, name, [c]) =>
  add(net, 'BatchNormalization', [name, ...[0, 0, 0].map(() => tensor(net, [c])), tensor(net, [c], 0.5, 2)], {
    epsilon: 0.001,
  }),
);

const withConstant = same((net, name, [c, h, w]) => {
  const shape = one([[], [1], [c, 1, 1], [1, c, 1, 1], [w], [h, 1], [1, 1, h, w], [c, h, w]]);
  const constant = tensor(net, shape, 0.5, 2);
  const op = one(['Add', 'Sub', 'Mul', 'Div']);
  return add(net, op, random() < 0.7 || op === 'Div' ? [name, constant] : [constant, name]);
});

const joined: Step = (net, { name, shape }) => {
  const others = net.values.filter((one) => one.shape.join() === shape.join());
  if (others.length === 0) return undefined;
  return { name: add(net, one(['Add', 'Mul', 'Sub', 'Max', 'Min']), [name, one(others).name]), shape };
};

const concatenated: Step = (net, { name, shape: [c, h, w] }) => {
  const others = net.values.filter(({ shape }) => shape[1] === h && shape[2] === w && shape[0] + c <= 24);
  if (others.length === 0) return undefined;
  const other = one(others);
  return { name: add(net, 'Concat', [name, other.name], { axis: one([1, -3]) }), shape: [c + other.shape[0], h, w] };
};

const sliced: Step = (net, { name, shape }) => {
  const axis = below(3);
  if (shape[axis] < 3) return undefined;
  const [from, step] = [below(2), 1 + below(2)];
  const places = Math.ceil((shape[axis] - from) / step);
  const y = add(net, 'Slice', [name, ints(net, from), ints(net, 10_000), ints(net, axis + 1), ints(net, step)]);
  return { name: y, shape: shape.map((size, i) => (i === axis ? places : size)) as unknown as typeof shape };
};

const shuffled: Step = (net, { name, shape: [c, h, w] }) => {
  const groups = [2, 3, 4].find((one) => c % one === 0 && c > one);
  if (!groups) return undefined;
  const apart = add(net, 'Reshape', [name, ints(net, 1, groups, c / groups, h, w)]);
  const turned = add(net, 'Transpose', [apart], { perm: [0, 2, 1, 3, 4] });
  return { name: add(net, 'Reshape', [turned, ints(net, 1, -1, h, w)]), shape: [c, h, w] };
};

const rearranged: Step = (net, { name, shape: [c, h, w] }) => {
  const flat = add(net, 'Reshape', [name, ints(net, 1, c, -1)]);
  const turned = add(net, 'Transpose', [flat], { perm: [0, 2, 1] });
  return { name: add(net, 'Reshape', [turned, ints(net, 1, h, c, w)]), shape: [h, c, w] };
};

const dense: Step = (net, { name, shape: [c, h, w] }) => {
  const outputs = 1 + below(6);
  const last = add(net, 'Transpose', [name], { perm: [0, 2, 3, 1] });
  const product = add(net, 'MatMul', [last, tensor(net, [c, outputs])]);
  const moved = add(net, 'Add', [product, tensor(net, [outputs])]);
  return { name: add(net, 'Transpose', [moved], { perm: [0, 3, 1, 2] }), shape: [outputs, h, w] };
};

const excited = same((net, name, [c]) => {
  const squeezed = add(net, 'Conv', [add(net, 'GlobalAveragePool', [name]), tensor(net, [2, c, 1, 1])]);
  const gate = add(net, 'HardSigmoid', [add(net, 'Conv', [add(net, 'Relu', [squeezed]), tensor(net, [c, 2, 1, 1])])]);
  return add(net, 'Mul', random() < 0.5 ? [name, gate] : [gate, name]);
});

const padded: Step = (net, { name, shape: [c, h, w] }) => {
  const pads = [0, 0, below(2), below(3), 0, 0, below(2), below(2)];
  const mode = one(['constant', 'reflect', 'edge']);
  if (mode === 'reflect' && (h < 3 || w < 4)) return undefined;
  const y = add(net, 'Pad', [name, ints(net, ...pads)], { mode });
  return { name: y, shape: [c, h + pads[2] + pads[6], w + pads[3] + pads[7]] };
};

const reduced = same((net, name) =>
  add(net, 'Sub', [
    name,
    add(net, one(['ReduceMean', 'ReduceMax', 'ReduceMin']), [name], { axes: [one([1, 2, 3])], keepdims: 1 }),
  ]),
);

const normed = same((net, name, [c]) => {
  if (random() < 0.4) return add(net, 'InstanceNormalization', [name, tensor(net, [c]), tensor(net, [c])]);
  if (random() < 0.3 && c >= 3) return add(net, 'LRN', [name], { size: 3, alpha: 0.1, beta: 0.75, bias: 1.5 });
  if (random() < 0.4) return add(net, 'Softmax', [name], { axis: one([1, 2, 3]) });
  const last = add(net, 'Transpose', [name], { perm: [0, 2, 3, 1] });
  const y = add(net, 'LayerNormalization', [last, tensor(net, [c]), tensor(net, [c])], { axis: -1, epsilon: 0.01 });
  return add(net, 'Transpose', [y], { perm: [0, 3, 1, 2] });
});

const STEPS: readonly Step[] = [
  ...[convolution, convolution, convolution, pooling, activation, activation, gated, norm, withConstant, withConstant],
  ...[joined, concatenated, sliced, shuffled, rearranged, dense, excited, padded, reduced, normed],
];

function randomNetwork(): { bytes: Uint8Array; nodes: OnnxNode[]; side: number; channels: number } {
  const [side, channels] = [6 + below(6), one([1, 3])];
  const net: Growing = { nodes: [], tensors: {}, opset: 17, values: [] };
  let x: Growing['values'][number] = { name: 'input', shape: [channels, side, side] };
  const steps = 3 + below(8);
  for (let i = 0; i < steps; i++) {
    const [nodes, before] = [net.nodes.length, x];
    const next = i === 0 ? convolution(net, x) : one(STEPS)(net, x);
    if (!next || next.shape.some((size) => size < 1)) net.nodes.splice(nodes);
    else x = next;
    if (x !== before) net.values.push(x);
  }
  const [c] = x.shape;
  const flat = add(net, 'Flatten', [add(net, 'GlobalAveragePool', [x.name])]);
  net.nodes.push({
    op: 'Gemm',
    inputs: [flat, tensor(net, [3, c]), tensor(net, [3])],
    outputs: ['output'],
    attributes: { transB: 1 },
  });
  const inputs = { input: [1, channels, side, side] };
  return { bytes: onnxModel({ ...net, inputs, outputs: { output: [1, 3] } }), nodes: net.nodes, side, channels };
}

/** What is used of onnxruntime-web, which is not among the dependencies. */
interface Runtime {
  InferenceSession: {
    create(bytes: Uint8Array): Promise<{ run(feeds: object): Promise<Record<string, { data: Float32Array }>> }>;
  };
  Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => object;
}
const runtime: Runtime = await loadOptional(
  'onnxruntime-web',
  'the comparison',
  () => import('onnxruntime-web' as string),
);

async function ofRaybox(
  bytes: Uint8Array,
  pixels: Float32Array,
  side: number,
  channels: number,
): Promise<Float64Array> {
  const model = await readModel(bytes, {});
  const g = createGraph();
  const input = g.input('image', [1, side, side, channels]);
  const { logits } = model.network(g, input);
  const positions = side * side;
  const interleaved = Float64Array.from(
    pixels,
    (_, i) => pixels[(i % channels) * positions + Math.floor(i / channels)],
  );
  const values = new Map<Tensor, Float64Array>([[input, interleaved]]);
  for (const [name, one] of g.parameters) values.set(one, Float64Array.from(model.checkpoint.tensors.get(name)!.data));
  return evaluateReference(g.finish([logits]), values).get(logits)!;
}

let [agree, differ, broken] = [0, 0, 0];
const refused = new Map<string, number>();
for (let i = 0; i < count; i++) {
  const { bytes, nodes, side, channels } = randomNetwork();
  const pixels = Float32Array.from({ length: channels * side * side }, () => random() * 2 - 1);
  let expected: Float32Array;
  try {
    const session = await runtime.InferenceSession.create(bytes);
    const feeds = { input: new runtime.Tensor('float32', pixels, [1, channels, side, side]) };
    expected = (await session.run(feeds)).output.data;
  } catch (error) {
    broken++;
    if (process.env.DEBUG) console.log(`onnxruntime refuses ${i}: ${String(error).slice(0, 200)}`);
    continue;
  }
  try {
    const actual = await ofRaybox(bytes, pixels, side, channels);
    const size = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const worst = expected.reduce((most, value, k) => Math.max(most, Math.abs(value - actual[k])), 0) / size;
    if (worst < 1e-4) agree++;
    else {
      differ++;
      const list = nodes.map(
        ({ op, inputs, attributes }) => `    ${op} ${inputs.join(' ')} ${JSON.stringify(attributes)}`,
      );
      console.log(
        `model ${i}: ${worst.toExponential(1)} apart (${[...actual].map((x) => x.toFixed(4))} and ${[...expected].map((x) => x.toFixed(4))})\n${list.join('\n')}`,
      );
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const why = error.message.replace(/'[^']*'/g, '…').slice(0, 110);
    refused.set(why, (refused.get(why) ?? 0) + 1);
  }
}
console.log(
  `${agree} agree, ${differ} differ, ${broken} are refused by onnxruntime, ${[...refused.values()].reduce((a, b) => a + b, 0)} by raybox`,
);
for (const [why, times] of refused) console.log(`  ${times} × ${why}`);
