/** Steps that most classifiers have: convolutions, poolings, activations, sums, norms, and other orders of dimensions. */
import { type Sizes, type Step, same, windows } from './growing.js';

export const convolution: Step = (net, { name, shape: [c, h, w] }) => {
  const groups = net.one([1, 1, 1, c, c % 2 === 0 ? 2 : 1]);
  const outputs = groups * (1 + net.below(groups === c ? 2 : 4));
  const [kh, kw] = [1 + net.below(3), 1 + net.below(3)];
  const auto = net.one(['NOTSET', 'NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID']);
  // onnxruntime does not combine a dilation with SAME.
  const [stride, dilation] = [1 + net.below(2), auto.startsWith('SAME') ? 1 : 1 + net.below(2)];
  const spans = [kh, kw].map((kernel) => dilation * (kernel - 1) + 1);
  const pads = [0, 0, 0, 0].map((_, side) => net.below(Math.max(1, spans[side % 2])));
  const weight = net.tensor([outputs, c / groups, kh, kw]);
  const y = net.add('Conv', net.random() < 0.5 ? [name, weight] : [name, weight, net.tensor([outputs])], {
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
  const [kernel, stride] = [2 + net.below(2), 1 + net.below(2)];
  const pads = [0, 0, 0, 0].map(() => net.below(2));
  const up = net.opset >= 10 && net.random() < 0.4;
  const isMax = net.random() < 0.5;
  const y = net.add(isMax ? 'MaxPool' : 'AveragePool', [name], {
    ...{ kernel_shape: [kernel, kernel], strides: [stride, stride], pads },
    ...(up ? { ceil_mode: 1 } : {}),
    ...(!isMax && net.random() < 0.5 ? { count_include_pad: 1 } : {}),
  });
  const along = (size: number, axis: number) => windows(size, stride, kernel, pads[axis], pads[axis + 2], up);
  return { name: y, shape: [c, along(h, 0), along(w, 1)] };
};

const activation = same((net, name) => {
  const kind = net.one([
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
  return kind === 'LeakyRelu' || kind === 'Elu' ? net.add(kind, [name], { alpha: 0.3 }) : net.add(kind, [name]);
});

const gated = same((net, name) =>
  net.add('Mul', net.random() < 0.5 ? [name, net.add('Sigmoid', [name])] : [net.add('Sigmoid', [name]), name]),
);

const norm = same((net, name, [c]) =>
  net.add('BatchNormalization', [name, ...[0, 0, 0].map(() => net.tensor([c])), net.tensor([c], 0.5, 2)], {
    epsilon: 0.001,
  }),
);

const withConstant = same((net, name, [c, h, w]) => {
  const shape = net.one([[], [1], [c, 1, 1], [1, c, 1, 1], [w], [h, 1], [1, 1, h, w], [c, h, w]]);
  const constant = net.tensor(shape, 0.5, 2);
  const op = net.one(['Add', 'Sub', 'Mul', 'Div']);
  return net.add(op, net.random() < 0.7 || op === 'Div' ? [name, constant] : [constant, name]);
});

const joined: Step = (net, { name, shape }) => {
  const others = net.values.filter((one) => one.shape.join() === shape.join());
  if (others.length === 0) return undefined;
  return { name: net.add(net.one(['Add', 'Mul', 'Sub', 'Max', 'Min']), [name, net.one(others).name]), shape };
};

const concatenated: Step = (net, { name, shape: [c, h, w] }) => {
  const others = net.values.filter(({ shape }) => shape[1] === h && shape[2] === w && shape[0] + c <= 24);
  if (others.length === 0) return undefined;
  const other = net.one(others);
  return { name: net.add('Concat', [name, other.name], { axis: net.one([1, -3]) }), shape: [c + other.shape[0], h, w] };
};

const sliced: Step = (net, { name, shape }) => {
  const axis = net.below(3);
  if (shape[axis] < 3) return undefined;
  const [from, step] = [net.below(2), 1 + net.below(2)];
  const places = Math.ceil((shape[axis] - from) / step);
  const y = net.add('Slice', [name, net.ints(from), net.ints(10_000), net.ints(axis + 1), net.ints(step)]);
  return { name: y, shape: shape.map((size, i) => (i === axis ? places : size)) as unknown as Sizes };
};

const shuffled: Step = (net, { name, shape: [c, h, w] }) => {
  const groups = [2, 3, 4].find((one) => c % one === 0 && c > one);
  if (!groups) return undefined;
  const apart = net.add('Reshape', [name, net.ints(1, groups, c / groups, h, w)]);
  const turned = net.add('Transpose', [apart], { perm: [0, 2, 1, 3, 4] });
  return { name: net.add('Reshape', [turned, net.ints(1, -1, h, w)]), shape: [c, h, w] };
};

const rearranged: Step = (net, { name, shape: [c, h, w] }) => {
  const flat = net.add('Reshape', [name, net.ints(1, c, -1)]);
  const turned = net.add('Transpose', [flat], { perm: [0, 2, 1] });
  return { name: net.add('Reshape', [turned, net.ints(1, h, c, w)]), shape: [h, c, w] };
};

const dense: Step = (net, { name, shape: [c, h, w] }) => {
  const outputs = 1 + net.below(6);
  const last = net.add('Transpose', [name], { perm: [0, 2, 3, 1] });
  const product = net.add('MatMul', [last, net.tensor([c, outputs])]);
  const moved = net.add('Add', [product, net.tensor([outputs])]);
  return { name: net.add('Transpose', [moved], { perm: [0, 3, 1, 2] }), shape: [outputs, h, w] };
};

const excited = same((net, name, [c]) => {
  const squeezed = net.add('Conv', [net.add('GlobalAveragePool', [name]), net.tensor([2, c, 1, 1])]);
  const gate = net.add('HardSigmoid', [net.add('Conv', [net.add('Relu', [squeezed]), net.tensor([c, 2, 1, 1])])]);
  return net.add('Mul', net.random() < 0.5 ? [name, gate] : [gate, name]);
});

const padded: Step = (net, { name, shape: [c, h, w] }) => {
  const pads = [0, 0, net.below(2), net.below(3), 0, 0, net.below(2), net.below(2)];
  const mode = net.one(['constant', 'reflect', 'edge']);
  if (mode === 'reflect' && (h < 3 || w < 4)) return undefined;
  const y = net.add('Pad', [name, net.ints(...pads)], { mode });
  return { name: y, shape: [c, h + pads[2] + pads[6], w + pads[3] + pads[7]] };
};

const reduced = same((net, name) =>
  net.add('Sub', [name, net.reduce(net.one(['ReduceMean', 'ReduceMax', 'ReduceMin']), name, [net.one([1, 2, 3])])]),
);

const normed = same((net, name, [c]) => {
  if (net.random() < 0.4) return net.add('InstanceNormalization', [name, net.tensor([c]), net.tensor([c])]);
  if (net.random() < 0.3 && c >= 3) return net.add('LRN', [name], { size: 3, alpha: 0.1, beta: 0.75, bias: 1.5 });
  if (net.random() < 0.4) return net.add('Softmax', [name], { axis: net.one([1, 2, 3]) });
  if (net.opset < 17) return undefined;
  const last = net.add('Transpose', [name], { perm: [0, 2, 3, 1] });
  const y = net.add('LayerNormalization', [last, net.tensor([c]), net.tensor([c])], { axis: -1, epsilon: 0.01 });
  return net.add('Transpose', [y], { perm: [0, 3, 1, 2] });
});

/** Steps of networks since the first opsets. */
export const usualSteps: readonly Step[] = [
  ...[convolution, convolution, convolution, pooling, activation, activation, gated, norm, withConstant, withConstant],
  ...[joined, concatenated, sliced, shuffled, rearranged, dense, excited, padded, reduced, normed],
];
