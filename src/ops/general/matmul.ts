/** Products of batches of matrices, and ONNX's Gemm. For a layer with fixed weights, `linear` is faster. */

import { InputError } from '../../errors.js';
import { matmul as kernel } from '../../generated/kernels/matmul.js';
import type { GraphBuilder, Node } from '../../graph/ir/graph.js';
import { type Case, type Gradient, type Operation, type Reference, spread } from '../../graph/ir/operation.js';
import { describeForm, elementCount, product, type Tensor } from '../../graph/ir/tensor.js';
import { checkOptions, optionKinds } from '../../options.js';
import { binary } from './binary.js';
import { permute } from './permute.js';
import { reshape } from './reshape.js';
import { sumTo } from './sum_to.js';
import { unary } from './unary.js';
import { broadcast, broadcastTo, stepOf, walkIndices, walkTable } from './walk.js';

export interface MatmulAttributes {
  /** Whether the last two dimensions of a are exchanged before the product; `transposeB` is the same for b. */
  transposeA: boolean;
  transposeB: boolean;
}

const INPUTS = ['a', 'b'] as const;

/** a: [..., m, k]. b: [..., k, n]. y: [..., m, n]. All dense f32; dimensions before the last two are repeated if their size is 1. */
export const forward: Operation<MatmulAttributes, typeof INPUTS> = {
  name: 'matmul',
  inputs: INPUTS,
  infer([a, b], attributes) {
    for (const one of [a, b]) {
      if (one.layout === 'dense' && one.type === 'f32' && one.shape.length >= 2) continue;
      throw new InputError('matrix', { expected: 'dense f32 [..., rows, columns]', given: describeForm(one) });
    }
    const { rows, columns, inner, others } = sizesOf([a, b], attributes);
    if (inner !== others) {
      throw new InputError('matrices do not fit', {
        expected: `as many rows of b as columns of a: ${inner}`,
        given: `${others} in ${describeForm(b)}`,
      });
    }
    return [{ shape: [...broadcast(batchOf(a), batchOf(b)), rows, columns], layout: 'dense', type: 'f32' }];
  },
  flops: (node) => 2 * elementCount(node.outputs[0]) * sizesOf(node.inputs, node.attributes).inner,
  lower({ inputs: [a, b], outputs: [y], attributes }, context) {
    const { rows, columns, inner } = sizesOf([a, b], attributes);
    const [viewA, viewB, output] = [context.read(a), context.read(b), context.write(y)];
    const batch = y.shape.slice(0, -2);
    const own = [[a, viewA] as const, [b, viewB] as const].map(([tensor, view]) =>
      broadcastTo({ ...tensor, shape: batchOf(tensor) }, batch.length).along.map((d) =>
        d === undefined ? 0 : stepOf(tensor, view, d),
      ),
    );
    const table = walkTable(batch, [...own, batch.map((_, d) => stepOf(y, output, d))]);
    const [rowA, innerA] = lastSteps(a, attributes.transposeA);
    const [innerB, columnB] = lastSteps(b, attributes.transposeB);
    context.dispatch({
      kernel,
      constants: { a_elem: 'f32', b_elem: 'f32', elem: 'f32', TENSORS: 3 },
      bindings: [viewA, viewB, context.read(table), output],
      params: {
        batches: product(batch),
        rank: table.shape[0],
        a_offset: viewA.offset,
        b_offset: viewB.offset,
        y_offset: output.offset,
        rows,
        columns,
        inner,
        a_row: rowA,
        a_inner: innerA,
        b_inner: innerB,
        b_column: columnB,
      },
      workgroups: spread(Math.ceil((product(batch) * Math.ceil(rows / 4) * Math.ceil(columns / 4)) / 64)),
    });
  },
};

const batchOf = ({ shape }: Tensor) => shape.slice(0, -2);

const lastTwo = ({ shape }: Tensor, transposed: boolean) => {
  const [first, second] = shape.slice(-2);
  return transposed ? [second, first] : [first, second];
};

/** The distance in memory between neighbouring rows and between neighbouring columns. */
const lastSteps = ({ shape }: Tensor, transposed: boolean) => {
  const columns = shape[shape.length - 1];
  return transposed ? [1, columns] : [columns, 1];
};

function sizesOf([a, b]: readonly [Tensor, Tensor], { transposeA, transposeB }: MatmulAttributes) {
  const [rows, inner] = lastTwo(a, transposeA);
  const [others, columns] = lastTwo(b, transposeB);
  return { rows, inner, others, columns };
}

/**
 * Adds the product of two tensors, as NumPy's matmul. The last two dimensions are matrices; dimensions before them are repeated if their size
 * is 1. A tensor with a single dimension counts as a row on the left side and as a column on the right side, and the result does not have
 * that dimension.
 */
export function matmul(g: GraphBuilder, a: Tensor, b: Tensor, name?: string): Tensor {
  const [left, right] = [a, b].map((one) => toDense(g, one));
  const [one, other] = [left.shape.length, right.shape.length];
  if (one >= 2 && other >= 2) return g.apply(forward, [left, right], { transposeA: false, transposeB: false }, name);
  const row = one === 1 ? reshape(g, left, [1, left.shape[0]]) : left;
  const column = other === 1 ? reshape(g, right, [right.shape[0], 1]) : right;
  const full = g.apply(forward, [row, column], { transposeA: false, transposeB: false }, name);
  const batch = full.shape.slice(0, -2).map(() => 0);
  // The remaining dimension comes from the side that is a matrix.
  return reshape(g, full, one === 1 && other === 1 ? [] : [...batch, -1]);
}

const toDense = (g: GraphBuilder, x: Tensor) =>
  permute(
    g,
    x,
    x.shape.map((_, d) => d),
  );

/** Options of `gemm`. */
export interface GemmOptions {
  transposeA?: boolean;
  transposeB?: boolean;
  /** Factor of the product. Default 1. */
  alpha?: number;
  /** Factor of c. Default 1. */
  beta?: number;
  name?: string;
}

const GEMM_OPTIONS = optionKinds<GemmOptions>({
  transposeA: 'true or false',
  transposeB: 'true or false',
  alpha: 'a number',
  beta: 'a number',
  name: 'a text',
});

/** Adds alpha · a · b + beta · c, of matrices a and b; c is repeated to the product's shape, or left out. */
export function gemm(g: GraphBuilder, a: Tensor, b: Tensor, c?: Tensor, options: GemmOptions = {}): Tensor {
  checkOptions('gemm', options, GEMM_OPTIONS);
  const { transposeA = false, transposeB = false, alpha = 1, beta = 1, name } = options;
  const times = (x: Tensor, factor: number) => (factor === 1 ? x : unary(g, x, { kind: 'line', a: factor, b: 0 }));
  const full = times(g.apply(forward, [toDense(g, a), toDense(g, b)], { transposeA, transposeB }, name), alpha);
  return c ? binary(g, full, times(toDense(g, c), beta), 'add') : full;
}

export const reference: Reference<MatmulAttributes, typeof INPUTS> = ([a, b], { inputs, outputs: [y], attributes }) => {
  const { rows, columns, inner } = sizesOf(inputs, attributes);
  const batch = y.shape.slice(0, -2);
  const [firstA, firstB] = inputs.map((tensor) => {
    const first = broadcastTo({ ...tensor, shape: batchOf(tensor) }, batch.length);
    return walkIndices(batch, first).map((matrix) => matrix * product(tensor.shape.slice(-2)));
  });
  const [rowA, innerA] = lastSteps(inputs[0], attributes.transposeA);
  const [innerB, columnB] = lastSteps(inputs[1], attributes.transposeB);
  const result = new Float64Array(elementCount(y));
  let at = 0;
  for (let n = 0; n < firstA.length; n++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, at++) {
        for (let k = 0; k < inner; k++) {
          result[at] += a[firstA[n] + row * rowA + k * innerA] * b[firstB[n] + k * innerB + column * columnB];
        }
      }
    }
  }
  return [result];
};

export const gradient: Gradient<MatmulAttributes, typeof INPUTS> = (
  g,
  { inputs: [a, b], attributes }: Node<MatmulAttributes, typeof INPUTS>,
  [dy],
) => {
  const { transposeA, transposeB } = attributes;
  const times = (one: Tensor, other: Tensor, first: boolean, second: boolean) =>
    g.apply(forward, [one, other], { transposeA: first, transposeB: second });
  const byA = transposeA ? times(b, dy, transposeB, true) : times(dy, b, false, !transposeB);
  const byB = transposeB ? times(dy, a, true, transposeA) : times(a, dy, !transposeA, false);
  return [sumTo(g, byA, a), sumTo(g, byB, b)];
};

const caseOf = (a: readonly number[], b: readonly number[], transposed = ''): Case<MatmulAttributes> => ({
  inputs: [{ shape: a, layout: 'dense' }, { shape: b }],
  attributes: { transposeA: transposed.includes('a'), transposeB: transposed.includes('b') },
});

export const cases = (): Case<MatmulAttributes>[] => [
  caseOf([1, 1], [1, 1]),
  caseOf([3, 133], [133, 5]),
  caseOf([133, 3], [133, 9], 'a'),
  caseOf([6, 7], [5, 7], 'b'),
  caseOf([7, 6], [5, 7], 'ab'),
  caseOf([2, 3, 5, 7], [7, 2]),
  caseOf([5, 7], [2, 3, 7, 1]),
  caseOf([2, 1, 5, 6], [3, 6, 141]),
  caseOf([2, 1, 2, 1, 3, 4], [1, 3, 1, 2, 5, 4], 'b'),
];
