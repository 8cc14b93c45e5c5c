/** Single operators of ONNX with inputs of any shape, in float64: each against numbers that are computed here by hand. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import { readModel } from '../../src/import/onnx/read.js';
import { wholeModel } from '../../src/import/onnx/whole_model.js';
import { constantOf } from '../../src/import/plain.js';
import { seededRandom } from '../../src/random.js';
import { evaluateReference } from '../../src/verify/reference.js';
import { type OnnxNode, onnxModel } from '../support/onnx.js';

const random = seededRandom(3);

interface Numbers {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

const countOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const drawn = (...shape: number[]): Numbers => ({
  shape,
  data: Float32Array.from({ length: countOf(shape) }, () => random() * 4 - 2),
});
const list = (...data: number[]): Numbers => ({ shape: [data.length], data });

interface Case {
  readonly op: string;
  readonly inputs: readonly Numbers[];
  readonly attributes?: OnnxNode['attributes'];
  readonly opset?: number;
  /** Inputs that are whole numbers. */
  readonly whole?: readonly number[];
  readonly outputs?: number;
}

/** What a model of one node computes. */
function run({ op, inputs, attributes = {}, opset = 18, whole = [], outputs = 1 }: Case): Numbers[] {
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const model = readModel(
    onnxModel({
      nodes: [{ op, inputs: inputs.map((_, i) => `x${i}`), outputs: names, attributes }],
      inputs: Object.fromEntries(inputs.map(({ shape }, i) => [`x${i}`, shape])),
      outputs: Object.fromEntries(names.map((name) => [name, []])),
      types: Object.fromEntries(whole.map((i) => [`x${i}`, 'i64' as const])),
      opset,
    }),
    new Map(),
  );
  const given = inputs.map(({ shape, data }, i) =>
    constantOf(shape, whole.includes(i) ? Float64Array.from(data) : Float32Array.from(data)),
  );
  const built = wholeModel(model, given);
  const values = new Map<Tensor, Float64Array>();
  for (const [tensor, numbers] of built.inputs) values.set(tensor, Float64Array.from(numbers));
  for (const { inputs: read } of built.graph.nodes)
    for (const tensor of read)
      if (tensor?.kind === 'constant' && !tensor.data)
        values.set(tensor, Float64Array.from(built.weights.get(tensor.name)!.data));
  const results = evaluateReference(built.graph, values);
  return built.outputs.map(({ shape, constant, tensor }) => ({
    shape,
    data: constant ? constant.values() : results.get(tensor!)!,
  }));
}

function same(actual: Numbers, shape: readonly number[], expected: ArrayLike<number>): void {
  assert.equal(actual.shape, shape);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual.data[i] - expected[i]) <= 1e-5, `${actual.data[i]} at ${i}, expected ${expected[i]}`);
}

const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
/** Rows of a list. */
const rows = ({ data }: Numbers, length: number) =>
  Array.from({ length: data.length / length }, (_, i) => Array.from(data).slice(i * length, (i + 1) * length));
const standardised = (row: readonly number[], epsilon: number) => {
  const centre = mean(row);
  const deviation = Math.sqrt(mean(row.map((one) => (one - centre) ** 2)) + epsilon);
  return { centre, deviation, values: row.map((one) => (one - centre) / deviation) };
};

test('LayerNormalization over several dimensions, with its mean and the inverse of its deviation', () => {
  const [x, weight, bias] = [drawn(2, 3, 4), drawn(3, 4), drawn(3, 4)];
  const parts = rows(x, 12).map((row) => standardised(row, 1e-5));
  const [y, centre, inverse] = run({
    ...{ op: 'LayerNormalization', inputs: [x, weight, bias], outputs: 3 },
    attributes: { axis: 1 },
  });
  const expected = parts.flatMap(({ values }) => values.map((one, i) => one * weight.data[i] + bias.data[i]));
  same(y, [2, 3, 4], expected);
  same(
    centre,
    [2, 1, 1],
    parts.map((part) => part.centre),
  );
  same(
    inverse,
    [2, 1, 1],
    parts.map(({ deviation }) => 1 / deviation),
  );
});

test('GroupNormalization: factors are those of channels, or up to version 20 of groups', () => {
  const x = drawn(2, 4, 3, 2);
  const [factor, summand] = [drawn(4), drawn(4)];
  const normal = rows(x, 12).flatMap((row) => standardised(row, 1e-5).values);
  const channel = (i: number) => Math.floor(i / 6) % 4;
  const attributes = { num_groups: 2 };
  const [y] = run({ op: 'GroupNormalization', inputs: [x, factor, summand], attributes, opset: 21 });
  same(
    y,
    x.shape,
    normal.map((one, i) => one * factor.data[channel(i)] + summand.data[channel(i)]),
  );
  const [old] = run({ op: 'GroupNormalization', inputs: [x, list(2, 3), list(5, 7)], attributes, opset: 18 });
  same(
    old,
    x.shape,
    normal.map((one, i) => (channel(i) < 2 ? 2 * one + 5 : 3 * one + 7)),
  );
});

test('norms without statistics of a layer: root mean square, p-norms, mean and variance', () => {
  const [x, weight] = [drawn(2, 5), drawn(5)];
  const rms = rows(x, 5).flatMap((row) => {
    const root = Math.sqrt(mean(row.map((one) => one * one)) + 1e-5);
    return row.map((one, i) => (one / root) * weight.data[i]);
  });
  same(run({ op: 'RMSNormalization', inputs: [x, weight], opset: 23 })[0], [2, 5], rms);
  const size = (row: readonly number[], p: number) =>
    p === 1 ? row.reduce((sum, one) => sum + Math.abs(one), 0) : Math.hypot(...row);
  for (const p of [1, 2]) {
    const divided = rows(x, 5).flatMap((row) => row.map((one) => one / size(row, p)));
    same(run({ op: 'LpNormalization', inputs: [x], attributes: { p } })[0], [2, 5], divided);
  }
  same(run({ op: 'LpNormalization', inputs: [{ shape: [1, 2], data: [0, 0] }] })[0], [1, 2], [0, 0]);
  const map = drawn(1, 2, 3, 2);
  const apart = rows(map, 6).flatMap((row) => standardised(row, 0).values);
  same(run({ op: 'MeanVarianceNormalization', inputs: [map] })[0], map.shape, apart);
});

test('poolings by p-norms, and layers of signals', () => {
  const x = drawn(1, 1, 4);
  const at = (i: number) => x.data[i] ?? 0;
  const windows = { kernel_shape: [3], strides: [2], pads: [1, 0] };
  const sums = [-1, 1].map((from) => Math.hypot(at(from), at(from + 1), at(from + 2)));
  same(run({ op: 'LpPool', inputs: [x], attributes: windows })[0], [1, 1, 2], sums);
  const largest = [-1, 1].map((from) => Math.max(...[0, 1, 2].map((i) => x.data[from + i] ?? -Infinity)));
  same(run({ op: 'MaxPool', inputs: [x], attributes: windows })[0], [1, 1, 2], largest);
  const total = Array.from(x.data).reduce((sum, one) => sum + Math.abs(one) ** 3, 0) ** (1 / 3);
  same(run({ op: 'GlobalLpPool', inputs: [x], attributes: { p: 3 } })[0], [1, 1, 1], [total]);
  const weight = drawn(1, 1, 2);
  const convolved = [0, 1, 2].map((i) => at(i) * weight.data[0] + at(i + 1) * weight.data[1]);
  same(run({ op: 'Conv', inputs: [x, weight], attributes: { kernel_shape: [2] } })[0], [1, 1, 3], convolved);
  assert.throws(
    () => run({ op: 'MaxPool', inputs: [drawn(1, 1, 2, 2, 2)], attributes: { kernel_shape: [2, 2, 2] } }),
    /3 dimensions beside images and channels/,
  );
});

test('Hardmax and Softmax; up to version 12 over all dimensions from the axis on', () => {
  const x = { shape: [1, 2, 2], data: [1, 4, 4, 2] };
  same(run({ op: 'Hardmax', inputs: [x] })[0], [1, 2, 2], [0, 1, 1, 0]);
  same(run({ op: 'Hardmax', inputs: [x], opset: 11 })[0], [1, 2, 2], [0, 1, 0, 0]);
  const powers = x.data.map((one) => Math.exp(one));
  const sum = powers.reduce((a, b) => a + b);
  same(
    run({ op: 'Softmax', inputs: [x], opset: 11 })[0],
    [1, 2, 2],
    powers.map((one) => one / sum),
  );
});

test('Gemm with a transposed first factor and a matrix as summand; a constant before a value; vectors', () => {
  const [a, b, c] = [drawn(3, 2), drawn(4, 3), drawn(2, 4)];
  const expected = Array.from({ length: 8 }, (_, at) => {
    const [i, j] = [Math.floor(at / 4), at % 4];
    const product = [0, 1, 2].reduce((sum, k) => sum + a.data[k * 2 + i] * b.data[j * 3 + k], 0);
    return 0.5 * product + 2 * c.data[at];
  });
  const attributes = { transA: 1, transB: 1, alpha: 0.5, beta: 2 };
  same(run({ op: 'Gemm', inputs: [a, b, c], attributes })[0], [2, 4], expected);
  assert.throws(() => run({ op: 'Gemm', inputs: [a] }), /its input 1 is missing/);
  const [row, column] = [list(1, 2, 3), list(4, 5, 6)];
  same(run({ op: 'MatMul', inputs: [row, column] })[0], [], [32]);
});

test('Expand repeats a computed value, Pad puts numbers around any dimension, and one number alone is computed', () => {
  const x = { shape: [2, 1], data: [3, 5] };
  same(run({ op: 'Expand', inputs: [x, list(2, 2, 2)], whole: [1] })[0], [2, 2, 2], [3, 3, 5, 5, 3, 3, 5, 5]);
  const padded = run({ op: 'Pad', inputs: [x, list(0, 1, 1, 0), { shape: [], data: [7] }], whole: [1] });
  same(padded[0], [3, 2], [7, 3, 7, 5, 7, 7]);
  const channels = run({ op: 'Pad', inputs: [drawn(1, 1, 1, 1), list(0, 1, 0, 0, 0, 1, 0, 0)], whole: [1] });
  assert.equal(channels[0].shape, [1, 3, 1, 1]);
  const one = { shape: [], data: [3] };
  same(run({ op: 'Max', inputs: [one, { shape: [], data: [4] }] })[0], [], [4]);
  same(run({ op: 'ReduceL2', inputs: [{ shape: [], data: [-3] }] })[0], [], [3]);
});

test('SpaceToDepth puts the places of a block before the channels, or behind them; Clip with crossed bounds gives the upper one', () => {
  const x: Numbers = { shape: [1, 2, 2, 2], data: [0, 1, 2, 3, 4, 5, 6, 7] };
  const moved = (mode?: string) =>
    run({ op: 'SpaceToDepth', inputs: [x], attributes: { blocksize: 2, ...(mode && { mode }) } })[0];
  for (const mode of [undefined, 'DCR']) same(moved(mode), [1, 8, 1, 1], [0, 4, 1, 5, 2, 6, 3, 7]);
  same(moved('CRD'), [1, 8, 1, 1], [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.throws(() => moved('XYZ'), /mode XYZ/);
  const bound = (data: number): Numbers => ({ shape: [], data: [data] });
  const clipped = run({ op: 'Clip', inputs: [list(-2, 0, 6), bound(2), bound(1)] })[0];
  same(clipped, [3], [1, 1, 1]);
  assert.throws(() => run({ op: 'Clip', inputs: [list(1), bound(Number.NaN)] }), /its bounds are NaN/);
});

test('an attribute of a hundred thousand fields is read in a time that grows with their number', () => {
  // One field of a list of whole numbers, written once for each number: the attribute has its name first.
  const count = 100_000;
  const attribute = new Uint8Array(3 + 2 * count);
  attribute.set([10, 1, 97]);
  for (let i = 0; i < count; i++) attribute.set([64, 1], 3 + 2 * i);
  const length = (size: number) => [0, 7, 14, 21].map((bits) => ((size >> bits) & 127) | (bits < 21 ? 128 : 0));
  const nested = (field: number, bytes: Uint8Array) =>
    Uint8Array.from([(field << 3) | 2, ...length(bytes.length), ...bytes]);
  const opset = Uint8Array.of(66, 2, 16, 17);
  const graph = nested(7, nested(1, nested(5, attribute)));
  assert.throws(() => readModel(Uint8Array.from([...opset, ...graph]), new Map()), /too many numbers/);
});

test('shrinking with antialias: the numbers of ONNX’s own tests; enlarging ignores it', () => {
  const x: Numbers = { shape: [1, 1, 4, 4], data: Float32Array.from({ length: 16 }, (_, i) => i + 1) };
  const resized = (inputs: readonly Numbers[], mode: string, more: Record<string, number> = {}) =>
    run({
      ...{ op: 'Resize', inputs: [x, list(), ...inputs], whole: [1, 3] },
      attributes: { mode, antialias: 1, ...more },
    })[0];
  const toSize = (size: number) => [list(), list(1, 1, size, size)];
  const byScale = [{ shape: [4], data: [1, 1, 0.6, 0.6].map(Math.fround) }];
  same(resized(byScale, 'linear'), [1, 1, 2, 2], [2.875, 4.5, 9.375, 11]);
  same(resized(byScale, 'cubic'), [1, 1, 2, 2], [2.5180721, 4.2858863, 9.5893288, 11.3571424]);
  const linear = [2.3636363, 3.5909, 4.8181818, 7.2727272, 8.5, 9.7272727, 12.181818, 13.409091, 14.6363636];
  same(resized(toSize(3), 'linear'), [1, 1, 3, 3], linear);
  const cubic = [1.7750092, 3.1200073, 4.4650054, 7.1550016, 8.5, 9.844998, 12.534994, 13.879992, 15.22499];
  same(resized(toSize(3), 'cubic'), [1, 1, 3, 3], cubic);
  // As PyTorch exports it: what is beyond the edges is left out, as in Pillow. 1 · 0.7 + 2 · 0.3 along a row, and 4 · 0.3 more by the rows.
  assert.equal(Array.from(resized(toSize(3), 'linear', { exclude_outside: 1 }).data).slice(0, 1), [2.5]);
  same(resized(toSize(4), 'linear'), [1, 1, 4, 4], Array.from(x.data));
});

test('a size that keeps the proportions: one factor for all axes, within the sizes or not below them', () => {
  const x: Numbers = { shape: [1, 1, 2, 4], data: [1, 2, 3, 4, 5, 6, 7, 8] };
  const resized = (keep_aspect_ratio_policy: string) =>
    run({
      ...{ op: 'Resize', inputs: [x, list(), list(), list(7, 8)], whole: [1, 2, 3] },
      attributes: { mode: 'nearest', axes: [2, 3], keep_aspect_ratio_policy },
    })[0];
  const double = (row: readonly number[]) => [...row, ...row].sort((a, b) => a - b);
  const [upper, lower] = [double([1, 2, 3, 4]), double([5, 6, 7, 8])];
  same(resized('not_larger'), [1, 1, 4, 8], [...upper, ...upper, ...lower, ...lower]);
  assert.equal(resized('not_smaller').shape, [1, 1, 7, 14]);
  assert.throws(() => resized('other'), /keep_aspect_ratio_policy other/);
});

test.run();
