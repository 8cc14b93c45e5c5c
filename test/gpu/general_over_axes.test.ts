/** Functions that are composed of operations on tensors of any rank, compared with plain loops, and descriptions of such networks. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph, type GraphBuilder } from '../../src/graph/ir/graph.js';
import { elementCount, type Layout, type Tensor } from '../../src/graph/ir/tensor.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import { describeGraph, graphNetwork } from '../../src/nets/written/graphs.js';
import { type AxisPadding, padAxis, placesOfSlice, sliceAxis, tileAxis } from '../../src/ops/general/along_axis.js';
import { join } from '../../src/ops/general/join.js';
import { gemm, matmul } from '../../src/ops/general/matmul.js';
import {
  depthToSpace,
  groupNorm,
  logSoftmaxOver,
  lpNormalise,
  normaliseOver,
  softmaxOver,
  spaceToDepth,
} from '../../src/ops/general/over_axes.js';
import { permute } from '../../src/ops/general/permute.js';
import { reduce } from '../../src/ops/general/reduce.js';
import { reshape } from '../../src/ops/general/reshape.js';
import { unary } from '../../src/ops/general/unary.js';
import { sigmoid } from '../../src/ops/layers/activation.js';
import { linear } from '../../src/ops/layers/linear.js';
import { normalisedError } from '../../src/verify/check.js';
import { evaluateReference } from '../../src/verify/reference.js';

const gpu = await openGpu();
fc.configureGlobal({ seed: 7, numRuns: 100 });

const values = (count: number) => Float64Array.from({ length: count }, (_, i) => Math.sin(1.7 * i) + 0.1 * (i % 3));

/** The float64 result of what a function adds to a graph. */
function truth(build: (g: GraphBuilder, x: Tensor) => Tensor, shape: readonly number[], layout: Layout = 'dense') {
  const g = createGraph();
  const x = g.input('x', shape, { layout });
  const y = build(g, x);
  return { y, values: evaluateReference(g.finish([y]), new Map([[x, values(elementCount(x))]])).get(y)! };
}

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) => {
  assert.is(actual.length, expected.length);
  assert.ok(
    normalisedError(actual, expected) < 1e-25,
    `${[...Array.from(actual)]} instead of ${[...Array.from(expected)]}`,
  );
};

test('a slice has the elements from its start to its end in steps', () => {
  const place = fc.option(fc.integer({ min: -8, max: 8 }), { nil: undefined });
  const step = fc.integer({ min: -3, max: 3 }).filter((one) => one !== 0);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), place, place, step, (size, start, end, by) => {
      const all = Array.from({ length: size }, (_, i) => i);
      const at = (given: number) => (given < 0 ? given + size : given);
      const isIn = (i: number) => {
        const behindStart = start === undefined || (by > 0 ? i >= at(start) : i <= at(start));
        return behindStart && (end === undefined || (by > 0 ? i < at(end) : i > at(end)));
      };
      const inside = (by > 0 ? all : all.reverse()).filter(isIn);
      // If the start is beyond the end, it is moved to the outermost element, and steps are counted from there.
      const expected = inside.filter((_, i) => i % Math.abs(by) === 0);
      assert.equal(
        placesOfSlice(size, {
          ...(start === undefined ? {} : { start }),
          ...(end === undefined ? {} : { end }),
          step: by,
        }),
        expected,
      );
    }),
  );
});

test('padding and repetition: known numbers', () => {
  const row = (padding: AxisPadding) =>
    [...truth((g, x) => padAxis(g, gathered(g, x), 1, padding), [2, 3]).values].slice(
      0,
      3 + padding.before + padding.after,
    );
  const gathered = (g: GraphBuilder, x: Tensor) => {
    const numbers = g.constant('numbers', x, [0, 1, 2, 3, 4, 5]);
    return sliceAxis(g, numbers, 1, {});
  };
  assert.equal(row({ before: 1, after: 2, value: 7 }), [7, 0, 1, 2, 7, 7]);
  assert.equal(row({ before: 4, after: 3, mode: 'reflect' }), [0, 1, 2, 1, 0, 1, 2, 1, 0, 1].slice(0, 10));
  assert.equal(row({ before: 2, after: 1, mode: 'edge' }), [0, 0, 0, 1, 2, 2]);
  assert.equal(row({ before: 4, after: 1, mode: 'wrap' }), [2, 0, 1, 2, 0, 1, 2, 0]);
  assert.equal(row({ before: -1, after: 1, mode: 'edge' }), [1, 2, 2]);
  assert.equal(
    [...truth((g, x) => tileAxis(g, gathered(g, x), 1, 2), [2, 3]).values],
    [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5],
  );
  assert.throws(
    () => truth((g, x) => padAxis(g, x, 0, { before: -1, after: -1 }), [2]),
    /leave something of 2 elements/,
  );
  assert.throws(() => truth((g, x) => sliceAxis(g, x, 0, { start: 2, end: 1 }), [3]), /at least one place/);
});

/** Calls back with the flat indices of each line along an axis. */
function lines(shape: readonly number[], axis: number): number[][] {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const count = shape.reduce((a, b) => a * b, 1) / shape[axis];
  return Array.from({ length: count }, (_, line) =>
    Array.from(
      { length: shape[axis] },
      (_, i) => Math.floor(line / inner) * inner * shape[axis] + i * inner + (line % inner),
    ),
  );
}

const perLine = (shape: readonly number[], axis: number, of: (line: number[]) => number[]) => {
  const x = values(shape.reduce((a, b) => a * b, 1));
  const result = new Float64Array(x.length);
  for (const line of lines(shape, axis)) {
    const own = of(line.map((at) => x[at]));
    for (const [i, at] of line.entries()) result[at] = own[i];
  }
  return result;
};

const total = (x: readonly number[]) => x.reduce((a, b) => a + b, 0);

test('softmax and norms over any dimension', () => {
  const shape = [2, 3, 4, 5];
  const exps = (line: number[]) => line.map((value) => Math.exp(value));
  for (const [axis] of shape.entries()) {
    for (const layout of ['dense', 'nhwc4'] as const) {
      const soft = perLine(shape, axis, (line) => exps(line).map((one) => one / total(exps(line))));
      near(truth((g, x) => softmaxOver(g, x, axis), shape, layout).values, soft);
      near(truth((g, x) => logSoftmaxOver(g, x, axis), shape, layout).values, soft.map(Math.log));
      near(
        truth((g, x) => lpNormalise(g, x, { axis, p: 2 }), shape, layout).values,
        perLine(shape, axis, (line) => line.map((one) => one / Math.sqrt(total(line.map((other) => other * other))))),
      );
      near(
        truth((g, x) => normaliseOver(g, x, { axes: [axis], epsilon: 0.1 }), shape, layout).values,
        perLine(shape, axis, standard),
      );
    }
  }
});

const standard = (line: number[]) => {
  const mean = total(line) / line.length;
  const variance = total(line.map((one) => (one - mean) ** 2)) / line.length;
  return line.map((one) => (one - mean) / Math.sqrt(variance + 0.1));
};

test('group norm is a norm of each group, then a factor and a summand for each channel', () => {
  const [images, height, width, channels, groups] = [2, 3, 2, 6, 3];
  const [weight, bias] = [
    [1, 2, 3, 4, 5, 6],
    [6, 5, 4, 3, 2, 1],
  ];
  const build = (g: GraphBuilder, x: Tensor) => {
    const vector = (name: string, data: number[]) =>
      g.constant(name, { shape: [6], layout: 'dense', type: 'f32' }, data);
    return groupNorm(g, x, groups, { epsilon: 0.1, weight: vector('weight', weight), bias: vector('bias', bias) });
  };
  const x = values(images * height * width * channels);
  const expected = new Float64Array(x.length);
  for (let n = 0; n < images; n++) {
    for (let group = 0; group < groups; group++) {
      const own = [...x.keys()].filter(
        (i) => Math.floor(i / (x.length / images)) === n && Math.floor((i % channels) / 2) === group,
      );
      const normal = standard(own.map((i) => x[i]));
      for (const [k, i] of own.entries()) expected[i] = normal[k] * weight[i % channels] + bias[i % channels];
    }
  }
  near(truth(build, [images, height, width, channels], 'nhwc4').values, expected);
});

test('spaceToDepth and depthToSpace undo each other', () => {
  for (const order of ['blocks_first', 'channels_first'] as const) {
    const folded = truth((g, x) => spaceToDepth(g, x, { block: 2, order }), [1, 4, 2, 3], 'nhwc4');
    assert.equal(folded.y.shape, [1, 2, 1, 12]);
    // Channel 1 of the pixel in row 1, column 0 of the first block.
    const channel = order === 'blocks_first' ? 2 * 3 + 1 : 1 * 4 + 2;
    assert.is(folded.values[channel], values(24)[1 * 2 * 3 + 1]);
    const back = truth(
      (g, x) => depthToSpace(g, spaceToDepth(g, x, { block: 2, order }), { block: 2, order }),
      [2, 4, 6, 3],
      'nhwc4',
    );
    near(back.values, values(144));
  }
  assert.throws(() => truth((g, x) => spaceToDepth(g, x, { block: 2 }), [1, 3, 2, 3], 'nhwc4'), /whole blocks/);
});

test('products of matrices as in NumPy, of vectors too, and alpha · a · b + beta · c', () => {
  const constant = (g: GraphBuilder, shape: number[], data: number[]) =>
    g.constant('c', { shape, layout: 'dense', type: 'f32' }, data);
  assert.equal(
    truth((g, x) => matmul(g, constant(g, [2], [1, 2]), constant(g, [2, 2], [3, 4, 5, x.shape[0]])), [6]).y.shape,
    [2],
  );
  const dots = truth((g, x) => matmul(g, reshape(g, sliceAxis(g, x, 0, { end: 1 }), [-1]), constant(g, [1], [3])), [6]);
  assert.equal(dots.y.shape, []);
  near(dots.values, [3 * values(1)[0]]);
  const full = truth(
    (g) =>
      gemm(g, constant(g, [1, 2], [1, 2]), constant(g, [1, 3], [3, 4, 5]), constant(g, [3], [1, 0, -1]), {
        transposeA: true,
        alpha: 2,
        beta: 10,
      }),
    [1],
  );
  assert.equal([...full.values], [16, 8, 0, 22, 16, 10]);
  assert.throws(
    () => truth((g, x) => matmul(g, x, constant(g, [3, 1], [1, 2, 3])), [2, 2]),
    /as many rows of b as columns of a: 2/,
  );
});

test('networks of these operations can be described as graphs, which give the same results, in f16 too', async () => {
  const add = (g: GraphBuilder, image: Tensor) => {
    const planes = permute(g, image, [0, 3, 1, 2]);
    const soft = softmaxOver(g, padAxis(g, planes, 3, { before: 1, after: 0, mode: 'edge' }), 1);
    const features = permute(g, soft, [0, 2, 3, 1], 'nhwc4');
    const joined = permute(g, join(g, [features, features], 1), [0, 1, 2, 3]);
    const pooled = reshape(g, reduce(g, joined, { kind: 'max', axes: [1, 2] }), [0, -1]);
    const logits = linear(g, permute(g, unary(g, pooled, { kind: 'swish', a: 2 }), [0, 1], 'nhwc4'), 'head', 2);
    const heatmaps = permute(g, sliceAxis(g, features, 3, { end: 2 }), [0, 3, 1, 2]);
    return { features, logits, probabilities: sigmoid(g, logits), heatmaps };
  };
  const written = JSON.parse(JSON.stringify(describeGraph(add, { height: 5, width: 4, channels: 3 }))) as object;
  const types = gpu.features.has('shader-f16') ? (['f32', 'f16'] as const) : (['f32'] as const);
  for (const type of types) {
    const results: Float64Array[] = [];
    for (const build of [add, graphNetwork(written)]) {
      const g = createGraph({ type, parameters: 'state' });
      const image = g.input('image', [2, 5, 4, 3]);
      const { logits, heatmaps, features } = build(g, image);
      assert.is(features.type, type);
      const plan = await createPlan(gpu, g.finish([logits, heatmaps!]));
      plan.write(image, values(elementCount(image)));
      for (const parameter of g.parameters.values()) plan.write(parameter, values(elementCount(parameter)));
      await plan.run();
      results.push(Float64Array.from([...(await plan.read(logits)), ...(await plan.read(heatmaps!))]));
      plan.close();
    }
    assert.equal(results[0], results[1]);
  }
  // A shape that is only right for one number of images.
  const fixed = (g: GraphBuilder, image: Tensor) => {
    const outputs = add(g, image);
    const features = permute(
      g,
      reshape(g, permute(g, image, [0, 1, 2, 3]), [image.shape[0], 4, 5, 3]),
      [0, 1, 2, 3],
      'nhwc4',
    );
    return { ...outputs, features };
  };
  assert.throws(() => describeGraph(fixed, { height: 5, width: 4, channels: 3 }), /network for 2 images differs/);
});

test.after(() => gpu.close());
test.run();
