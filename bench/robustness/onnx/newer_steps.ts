/** Steps that fewer classifiers have: norms over any dimensions, p-norms, signals, products of matrices, resizing, quantised weights, branches. */
import type { OnnxNode } from '../../../test/support/onnx.js';
import { type Growing, type Sizes, type Step, same, windows } from './growing.js';

const sizesFrom = ([c, h, w]: Sizes, axis: number) => [1, c, h, w].slice(axis);

const layerNorm = same((net, name, shape) => {
  if (net.opset < 17) return undefined;
  const axis = 1 + net.below(3);
  const own = sizesFrom(shape, axis);
  const factors = net.chance(0.7) ? [net.tensor(own), net.tensor(own)] : [net.tensor(own)];
  return net.add('LayerNormalization', [name, ...factors], { axis: net.one([axis, axis - 4]), epsilon: 0.01 });
});

const groupNorm = same((net, name, [c]) => {
  if (net.opset < 21) return undefined;
  const groups = net.one([1, 2, 3, c].filter((one) => c % one === 0));
  return net.add('GroupNormalization', [name, net.tensor([c]), net.tensor([c])], { num_groups: groups, epsilon: 0.01 });
});

const rmsNorm = same((net, name, shape) => {
  if (net.opset < 23) return undefined;
  const axis = 1 + net.below(3);
  return net.add('RMSNormalization', [name, net.tensor(sizesFrom(shape, axis))], { axis, epsilon: 0.01 });
});

/** Where numbers do not vary, onnxruntime's variance is the root of what rounding leaves of 0, so that they have to vary here. */
const otherNorm = same((net, name, [c, h, w]) => {
  if (net.chance(0.5)) return net.add('LpNormalization', [name], { axis: net.one([1, 2, 3, -1]), p: net.one([1, 2]) });
  const axes = net.one([[0, 2, 3], [2, 3], [1], [1, 2, 3], [0, 1, 2, 3]]);
  if (axes.reduce((count, axis) => count * [1, c, h, w][axis], 1) < 4) return undefined;
  return net.add('MeanVarianceNormalization', [name], { axes });
});

const alongAxis = same((net, name) => {
  const axis = net.one([1, 2, 3, -1, -2]);
  return net.add(net.one(['Softmax', 'LogSoftmax', 'Hardmax']), [name], { axis });
});

const lpPool: Step = (net, { name, shape: [c, h, w] }) => {
  const [kernel, stride, p] = [1 + net.below(3), 1 + net.below(2), 1 + net.below(3)];
  const pads = [0, 0, 0, 0].map(() => net.below(Math.min(2, kernel)));
  const y = net.add('LpPool', [name], { kernel_shape: [kernel, kernel], strides: [stride, stride], pads, p });
  const along = (size: number, axis: number) => windows(size, stride, kernel, pads[axis], pads[axis + 2]);
  return { name: y, shape: [c, along(h, 0), along(w, 1)] };
};

const globalGate = same((net, name) => {
  const pooled = net.add('GlobalLpPool', [name], { p: 1 + net.below(2) });
  return net.add('Div', [name, net.add('Add', [pooled, net.given([], [1])])]);
});

/** Layers of signals: the positions of a map as one dimension. */
const signal: Step = (net, { name, shape: [c, h, w] }) => {
  const list = net.reshape(name, 1, c, -1);
  const [kernel, stride] = [1 + net.below(3), 1 + net.below(2)];
  const pads = [net.below(kernel), net.below(kernel)];
  const long = windows(h * w, stride, kernel, pads[0], pads[1]);
  const kind = net.one(['Conv', 'MaxPool', 'AveragePool', 'ConvTranspose', 'InstanceNormalization']);
  const map = (y: string, shape: Sizes) => ({ name: net.reshape(y, 1, ...shape), shape });
  if (kind === 'Conv') {
    const outputs = 1 + net.below(4);
    const y = net.add(kind, [list, net.tensor([outputs, c, kernel])], { pads, strides: [stride] });
    return map(y, [outputs, 1, long]);
  }
  if (kind === 'ConvTranspose') {
    const outputs = 1 + net.below(3);
    const y = net.add(kind, [list, net.tensor([c, outputs, kernel]), net.tensor([outputs])], { strides: [stride] });
    return map(y, [outputs, 1, stride * (h * w - 1) + kernel]);
  }
  if (kind === 'InstanceNormalization') return map(net.add(kind, [list, net.tensor([c]), net.tensor([c])]), [c, h, w]);
  return map(net.add(kind, [list], { kernel_shape: [kernel], pads, strides: [stride] }), [c, 1, long]);
};

const transposedConvolution: Step = (net, { name, shape: [c, h, w] }) => {
  if (h * w > 150) return undefined;
  const [kernel, stride, outputs] = [1 + net.below(3), 1 + net.below(2), 1 + net.below(3)];
  const pad = net.below(kernel);
  const more = stride > 1 ? net.below(2) : 0;
  const y = net.add('ConvTranspose', [name, net.tensor([c, outputs, kernel, kernel])], {
    ...{ strides: [stride, stride], pads: [pad, pad, pad, pad], output_padding: [more, more] },
  });
  const along = (size: number) => stride * (size - 1) + kernel - 2 * pad + more;
  return { name: y, shape: [outputs, along(h), along(w)] };
};

/** A matrix of channels and positions, transposed by Gemm, as a map again. */
const transposedGemm: Step = (net, { name, shape: [c, h, w] }) => {
  const outputs = 1 + net.below(5);
  const matrix = net.reshape(name, c, -1);
  const weight = net.tensor([outputs, c]);
  const bias = net.one([[], [net.tensor([outputs])], [net.tensor([1])], [net.tensor([h * w, 1])]]);
  const y = net.add('Gemm', [matrix, weight, ...bias], { transA: 1, transB: 1, alpha: 0.5, beta: 2 });
  const turned = net.add('Transpose', [y], { perm: [1, 0] });
  return { name: net.reshape(turned, 1, outputs, h, w), shape: [outputs, h, w] };
};

const matMul: Step = (net, { name, shape: [c, h, w] }) => {
  switch (net.below(5)) {
    case 0:
      return { name: net.reshape(net.add('MatMul', [name, net.tensor([w])]), 1, c, h, 1), shape: [c, h, 1] };
    case 1:
      return { name: net.reshape(net.add('MatMul', [net.tensor([h]), name]), 1, c, 1, w), shape: [c, 1, w] };
    case 2: {
      const k = 1 + net.below(4);
      return { name: net.add('MatMul', [net.tensor([k, h]), name]), shape: [c, k, w] };
    }
    case 3: {
      const turned = net.add('Transpose', [name], { perm: [0, 1, 3, 2] });
      return { name: net.add('MatMul', [name, turned]), shape: [c, h, h] };
    }
    default: {
      const k = 1 + net.below(4);
      const stack = net.tensor([net.one([1, c]), w, k]);
      return { name: net.add('MatMul', [name, stack]), shape: [c, h, k] };
    }
  }
};

/** A reduced map, repeated to its size again. */
const expanded = same((net, name, shape) => {
  const axes = net.one([[1], [2], [3], [2, 3], [1, 3]]);
  const small = net.reduce(net.one(['ReduceMean', 'ReduceMax', 'ReduceL2', 'ReduceSumSquare']), name, axes);
  return net.add('Add', [name, net.add('Expand', [small, net.ints(...net.one([[1, ...shape], [...shape]]))])]);
});

const padded: Step = (net, { name, shape }) => {
  const sides = [0, 1, 2, 3, 4, 5].map(() => net.below(3) - (net.chance(0.2) ? 1 : 0));
  const wide = shape.map((size, i) => size + sides[i] + sides[i + 3]);
  const mode = net.one(['constant', 'constant', 'edge', 'reflect']);
  if (mode !== 'constant' && sides.some((side, i) => side < 0 || side >= shape[i % 3])) return undefined;
  if (wide.some((size, i) => size < 1 || size - Math.max(0, sides[i]) - Math.max(0, sides[i + 3]) < 1))
    return undefined;
  const pads = net.ints(0, ...sides.slice(0, 3), 0, ...sides.slice(3));
  const value = mode === 'constant' ? [net.given([], [net.one([0, 0.5, -2])])] : [];
  return { name: net.add('Pad', [name, pads, ...value], { mode }), shape: wide as unknown as Sizes };
};

/** A map beside numbers of the file. */
const withNumbers: Step = (net, { name, shape }) => {
  const axis = net.below(3);
  const more = 1 + net.below(3);
  const numbers = net.tensor([1, ...shape.with(axis, more)]);
  const y = net.add(
    'Concat',
    net.one([
      [name, numbers],
      [numbers, name],
    ]),
    { axis: axis + 1 },
  );
  return { name: y, shape: shape.with(axis, shape[axis] + more) as unknown as Sizes };
};

/** A convolution whose weights are whole numbers, with a scale for all, for each output, or for each block of inputs. */
const quantised: Step = (net, { name, shape: [c, h, w] }) => {
  const outputs = 1 + net.below(4);
  const whole = (type: 'u8' | 'i8') =>
    Array.from({ length: outputs * c }, () => net.below(200) - (type === 'i8' ? 100 : 0));
  const type = net.one(['u8', 'i8'] as const);
  const weights = net.given([outputs, c, 1, 1], whole(type), type);
  const scales = (dims: readonly number[]) => net.tensor(dims, 0.001, 0.02);
  const zeros = (dims: readonly number[]) =>
    net.given(
      dims,
      Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => net.below(20)),
      type,
    );
  const kinds: readonly (readonly [readonly number[], OnnxNode['attributes']])[] = [
    [[], {}],
    ...(net.opset >= 13 ? [[[outputs], { axis: 0 }] as const] : []),
    ...(net.opset >= 21 ? [[[outputs, Math.ceil(c / 2), 1, 1], { axis: 1, block_size: 2 }] as const] : []),
  ];
  const [dims, attributes] = kinds[kinds.length - 1 - net.below(kinds.length)];
  const real = net.add('DequantizeLinear', [weights, scales(dims), zeros(dims)], attributes);
  return { name: net.add('Conv', [name, real]), shape: [outputs, h, w] };
};

const resized: Step = (net, { name, shape: [c, h, w] }) => {
  const [height, width] = [h, w].map((size) =>
    Math.max(1, Math.min(14, Math.round(size * (0.4 + 1.6 * net.random())))),
  );
  const mode = net.one(['nearest', 'linear', 'cubic']);
  const isNew = net.opset >= 18;
  // Up to opset 12 an input could not be left out.
  const none = net.opset >= 13 ? '' : net.given([0], []);
  const coordinates = net.one([
    ...['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'],
    ...(net.opset >= 19 ? ['half_pixel_symmetric'] : []),
  ]);
  const attributes: Record<string, string | number | readonly number[]> = {
    ...{ mode, coordinate_transformation_mode: coordinates },
    ...(mode === 'nearest'
      ? { nearest_mode: net.one(['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil']) }
      : {}),
    ...(isNew && mode !== 'nearest' && net.chance(0.5) ? { antialias: 1 } : {}),
    ...(mode === 'cubic' && net.chance(0.5) ? { exclude_outside: 1, cubic_coeff_a: -0.5 } : {}),
  };
  if (isNew && net.chance(0.3)) {
    const policy = net.one(['not_larger', 'not_smaller']);
    const factor = (policy === 'not_larger' ? Math.min : Math.max)(height / h, width / w);
    const sizes = [h, w].map((size) => Math.floor(size * factor + 0.5));
    if (sizes.some((size) => size < 1 || size > 20)) return undefined;
    Object.assign(attributes, { axes: [2, 3], keep_aspect_ratio_policy: policy });
    const y = net.add('Resize', [name, '', '', net.ints(height, width)], attributes);
    return { name: y, shape: [c, sizes[0], sizes[1]] };
  }
  const y = net.add('Resize', [name, none, none, net.ints(1, c, height, width)], attributes);
  return { name: y, shape: [c, height, width] };
};

/** A branch whose condition follows from a shape. The other branch changes what is computed. */
const branch = same((net, name, shape) => {
  const [, h] = shape;
  const rows = net.add('Gather', [net.add('Shape', [name]), net.given([], [2], 'i64')], { axis: 0 });
  const condition = net.add('Equal', [rows, net.given([], [net.one([h, h + 1])], 'i64')]);
  const outer = net.add('Tanh', [name]);
  const branches = [
    net.inner(shape, () => net.add('Mul', [outer, net.add('Sigmoid', [name])])),
    net.inner(shape, () => net.add('Sub', [name, outer])),
  ];
  return net.add('If', [condition], { then_branch: branches[0], else_branch: branches[1] });
});

const moved: Step = (net, { name, shape: [c, h, w] }) => {
  const [isEven, isSplit] = [h % 2 === 0 && w % 2 === 0, c % 4 === 0];
  if (isSplit && net.chance(0.5)) {
    const mode = net.one(['DCR', 'CRD']);
    return { name: net.add('DepthToSpace', [name], { blocksize: 2, mode }), shape: [c / 4, 2 * h, 2 * w] };
  }
  if (isEven && c <= 6)
    return { name: net.add('SpaceToDepth', [name], { blocksize: 2 }), shape: [4 * c, h / 2, w / 2] };
  const [times, across] = [1 + net.below(2), 1 + net.below(2)];
  if (c * h * w > 400) return undefined;
  return { name: net.add('Tile', [name, net.ints(1, times, 1, across)]), shape: [times * c, h, across * w] };
};

const chosen = same((net, name, shape) => {
  const limit = net.one([net.given([], [0.25]), net.tensor([shape[0], 1, 1]), net.add('Neg', [name])]);
  const is = net.add(net.one(['Greater', 'Less']), [name, limit]);
  const condition = net.chance(0.5) ? is : net.add('Not', [is]);
  return net.add('Where', [condition, name, net.one([net.given([1], [0.5]), net.add('Abs', [name])])]);
});

const functionOf = same((net, name, [c]) => {
  const sum = () => net.add('CumSum', [name, net.given([], [1 + net.below(3)], 'i64')], { reverse: net.below(2) });
  const rest = () => net.add('Mod', [name, net.given([], [0.75])], { fmod: 1 });
  const slopes = () => net.add('PRelu', [name, net.tensor([c, 1, 1])]);
  const power = () => net.add('Pow', [net.add('Abs', [name]), net.given([], [net.one([2, 0.5, 1.5])])]);
  const place = () =>
    net.add('Add', [name, net.add('Cast', [net.add('ArgMax', [name], { axis: 1 + net.below(3) })], { to: 1 })]);
  return net.one([sum, rest, slopes, power, place])();
});

/** Steps with the operators that came later to raybox. */
export const newerSteps: readonly Step[] = [
  ...[layerNorm, layerNorm, groupNorm, rmsNorm, otherNorm, otherNorm, alongAxis, alongAxis, lpPool, lpPool, globalGate],
  ...[signal, signal, transposedConvolution, transposedGemm, matMul, matMul, expanded, padded, padded, withNumbers],
  ...[withNumbers, quantised, quantised, resized, resized, resized, branch, branch, moved, chosen, functionOf],
];

/** Layers from the last map to three classes. */
export function classes(net: Growing, { name, shape: [c] }: { name: string; shape: Sizes }): void {
  const pool = net.one(['GlobalAveragePool', 'GlobalAveragePool', 'GlobalMaxPool', 'GlobalLpPool']);
  const flat = net.add('Flatten', [net.add(pool, [name])]);
  const isGemm = net.chance(0.5);
  const weights = net.tensor(isGemm ? [3, c] : [c, 3]);
  const product = isGemm ? undefined : net.add('MatMul', [flat, weights]);
  net.nodes.push({
    op: product ? 'Add' : 'Gemm',
    inputs: product ? [product, net.tensor([3])] : [flat, weights, net.tensor([3])],
    outputs: ['output'],
    ...(product ? {} : { attributes: { transB: 1 } }),
  });
}
