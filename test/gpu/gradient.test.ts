/** Gradients: those of each operation are compared with finite differences of its reference, and those of graphs with each other. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { type Gpu, openGpu } from '../../src/gpu/device.js';
import { createGraph, createTensor, type Graph, type GraphBuilder, updatesOf } from '../../src/graph/ir/graph.js';
import type { Case, CaseInput, Operation } from '../../src/graph/ir/operation.js';
import { elementCount, type Tensor } from '../../src/graph/ir/tensor.js';
import { fuse } from '../../src/graph/passes/fuse.js';
import { lower, traitsOf } from '../../src/graph/plan/lower.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import { gradients } from '../../src/ops/differentiate.js';
import { all as caseTables } from '../../src/ops/generated/cases.js';
import { all as operations } from '../../src/ops/generated/forward.js';
import { all as gradientTable } from '../../src/ops/generated/gradient.js';
import { forward as resizeGradient } from '../../src/ops/gradients/resize_gradient.js';
import { relu } from '../../src/ops/layers/activation.js';
import { sum } from '../../src/ops/layers/add.js';
import { batchNorm } from '../../src/ops/layers/batch_norm.js';
import { forward as batchStatistics } from '../../src/ops/layers/batch_statistics.js';
import { concat } from '../../src/ops/layers/concat.js';
import { conv2d } from '../../src/ops/layers/conv2d.js';
import { lsePool } from '../../src/ops/layers/lse_pool.js';
import { maxPool } from '../../src/ops/layers/pool.js';
import { forward as sgd } from '../../src/ops/optimizers/sgd.js';
import { normal, seededRandom } from '../../src/random.js';
import { buildCase, type Check, caseValues, normalisedError, runCheck } from '../../src/verify/check.js';
import { evaluateReference } from '../../src/verify/reference.js';

const gradient = suite('gradients');

type Values = Map<Tensor, Float64Array>;

const normals = (count: number, seed: number) => {
  const random = seededRandom(seed);
  return Float64Array.from({ length: count }, () => normal(random));
};

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
};

/**
 * Compares the gradient graph, in float64, with central differences of the forward graph along random directions. The number
 * that is differentiated is Σ seed · y.
 */
function checkByDifferences(
  g: GraphBuilder,
  y: Tensor,
  inputs: readonly Tensor[],
  values: Values,
  label: string,
): void {
  const seed = createTensor('seed', 'input', y);
  const found = gradients(g, y, inputs, seed);
  const slope = normals(elementCount(y), 99);
  const forward: Graph = g.finish([y]);
  const result = evaluateReference(g.finish([...found.values()]), new Map([...values, [seed, slope]]));
  const loss = (at: Values) => dot(evaluateReference(forward, at).get(y)!, slope);
  for (const [index, tensor] of inputs.entries()) {
    // A gradient that is left out is 0.
    const own = found.get(tensor);
    const slopes = own ? result.get(own)! : new Float64Array(elementCount(tensor));
    for (const round of [1, 2]) {
      const direction = normals(elementCount(tensor), 10 * index + round);
      const step = 1e-6;
      const moved = (by: number) =>
        new Map([...values, [tensor, values.get(tensor)!.map((value, i) => value + by * direction[i])]]);
      const expected = (loss(moved(step)) - loss(moved(-step))) / (2 * step);
      const actual = dot(slopes, direction);
      // The function may not be defined at a point (the logarithm of a negative number), or near it (a power of a negative number).
      if (Number.isNaN(expected) && (Number.isNaN(actual) || Number.isNaN(loss(values)))) continue;
      const scale = Math.sqrt(dot(slopes, slopes)) + Math.abs(expected) + 1e-3;
      assert.ok(
        Math.abs(actual - expected) <= 2e-6 * scale,
        `${label}: by ${tensor.name} ${actual}, by differences ${expected}`,
      );
    }
  }
}

/** Inputs for which finite differences make no sense, because the statistics of a batch norm are fixed or a function of x. */
const FIXED: Readonly<Record<string, readonly number[]>> = { batch_norm: [3, 4], label_loss: [1, 2], where: [0] };

/** Operations whose cases have chosen values, which avoid kinks and for which the functions are defined. */
const CHOSEN = ['unary'];

/** Values at which an operation has no kink. Equal values would have one. */
const smooth = (input: CaseInput): CaseInput =>
  typeof input.fill === 'function' ? { ...input, fill: 'normal' } : input;

/** The name of a single operation to test, for somebody who works on it. */
const only = process.env.RAYBOX_CASE;
if (only && !Object.hasOwn(gradientTable, only)) throw new Error(`RAYBOX_CASE: ${only} has no gradient`);

for (const key of Object.keys(gradientTable)) {
  const operation = (operations as unknown as Record<string, Operation>)[key];
  const cases = (caseTables as unknown as Record<string, Case[]>)[key];
  const test = key === only ? gradient.only : gradient;
  test(`${key}: the gradient agrees with finite differences`, () => {
    let checked = 0;
    for (const [index, one] of cases.entries()) {
      // Cases that are too large for plain loops, or that only fusion can make, are left out.
      const { activation, prologue } = one.attributes as { activation?: { kind: string }; prologue?: string };
      const epilogue = key !== 'activation' && activation && !/relu/.test(activation.kind);
      const size = one.inputs.reduce((total, input) => total + (input?.shape.reduce((a, b) => a * b, 1) ?? 0), 0);
      const jumps = CHOSEN.includes(key) && one.exact;
      if (one.full || one.bench || epilogue || prologue || jumps || size > 20_000) continue;
      const g = createGraph();
      const values: Values = new Map();
      const inputs = one.inputs.map((given, at) => {
        if (!given) return undefined;
        const input = FIXED[key]?.includes(at) || CHOSEN.includes(key) ? given : smooth(given);
        const layout = input.layout ?? (at === 0 ? 'nhwc4' : 'dense');
        const holes = input.segments ? { segments: input.segments } : {};
        const tensor = createTensor(`input ${at}`, 'input', { shape: input.shape, layout, type: 'f32', ...holes });
        values.set(tensor, caseValues(input, tensor, 1000 + at));
        return tensor;
      });
      const [y] = g.applyAll(operation, inputs, one.attributes);
      const wanted = inputs.filter((tensor, at): tensor is Tensor => Boolean(tensor) && !FIXED[key]?.includes(at));
      checkByDifferences(g, y, wanted, values, `${key} #${index}`);
      checked++;
    }
    assert.ok(checked > 0);
  });
}

gradient('batch norm in training: through the statistics too', () => {
  for (const shape of [
    [2, 1, 1, 3],
    [2, 3, 4, 5],
    [1, 7, 3, 1],
  ]) {
    const g = createGraph({ parameters: 'state', batchStatistics });
    const x = g.input('x', shape);
    const y = batchNorm(g, x, 'norm');
    const states = [...g.parameters.values()];
    const values: Values = new Map([[x, normals(elementCount(x), 1)]]);
    for (const [i, tensor] of states.entries()) values.set(tensor, normals(elementCount(tensor), 5 + i).map(Math.abs));
    checkByDifferences(g, y, [x, states[0], states[1]], values, `batch norm of ${shape}`);
  }
});

// Everything that is difficult for accumulation and slices: several consumers, holes, nested concatenations.
function tangle(g: GraphBuilder, x: Tensor): Tensor {
  const weight = (name: string, ...shape: number[]) => g.parameter(name, shape);
  const a = relu(g, conv2d(g, x, weight('a', 5, 3, 3, 3), weight('b', 5), { padding: 1 }));
  const b = batchNorm(g, conv2d(g, x, weight('c', 3, 3, 1, 1)), 'norm');
  const joined = concat(g, [a, b, x]);
  const again = concat(g, [joined, maxPool(g, joined, { kernel: 3, stride: 1, padding: 1 })]);
  const c = relu(g, conv2d(g, again, weight('d', 5, 22, 3, 3), undefined, { padding: 1, stride: 2 }));
  const d = conv2d(g, a, weight('e', 5, 5, 2, 2), undefined, { stride: 2 });
  return lsePool(g, sum(g, c, d), 3);
}

function tangleValues(g: GraphBuilder, x: Tensor): Values {
  const values: Values = new Map([[x, normals(elementCount(x), 3)]]);
  for (const [name, tensor] of g.parameters) {
    const own = normals(elementCount(tensor), name.charCodeAt(0));
    values.set(tensor, name.includes('var') ? own.map((value) => Math.abs(value) + 0.5) : own);
  }
  return values;
}

const trainable = (g: GraphBuilder) =>
  [...g.parameters].filter(([name]) => !name.includes('running')).map(([, tensor]) => tensor);

for (const mode of ['frozen', 'train'] as const) {
  gradient(`several consumers, holes and concatenations, batch norm ${mode}`, async () => {
    const g = createGraph({ parameters: 'state', ...(mode === 'train' ? { batchStatistics } : {}) });
    const x = g.input('x', [2, 6, 8, 3]);
    const y = tangle(g, x);
    const values = tangleValues(g, x);
    checkByDifferences(g, y, [x, ...trainable(g)], values, 'tangle');
    // The same on the GPU, as written and fused.
    const seed = createTensor('seed', 'input', y);
    const found = [...gradients(g, y, [x, ...trainable(g)], seed).values()];
    values.set(seed, normals(elementCount(y), 4));
    const graph = g.finish([y, ...found]);
    const truth = evaluateReference(graph, values);
    const gpu = await openGpu();
    try {
      for (const unfused of [true, false]) {
        const plan = await createPlan(gpu, graph, { unfused });
        for (const [tensor, content] of values) {
          if (plan.steps.some(({ bindings }) => bindings.some((binding) => binding.tensor === tensor)))
            plan.write(tensor, content);
        }
        await plan.run();
        for (const tensor of [...graph.outputs, ...graph.nodes.flatMap(updatesOf)]) {
          const error = normalisedError(await plan.read(tensor), truth.get(tensor)!);
          assert.ok(error < 1e-10, `${unfused ? 'unfused' : 'fused'} ${tensor.name}: NMSE ${error}`);
        }
        plan.close();
      }
    } finally {
      gpu.close();
    }
  });
}

gradient('tensors that exceed a binding are processed in bands, with the same gradients', async () => {
  const gpu = await openGpu({ dawn: ['enable-dawn-features=allow_unsafe_apis'] }); // with subgroup matrices, if the adapter has them
  const limits = new Proxy(gpu.limits, {
    get: (own, name) => (name === 'maxStorageBufferBindingSize' ? 12 << 10 : Reflect.get(own, name, own)),
  });
  const narrow: Gpu = { ...gpu, limits };
  const map = (shape: number[]): CaseInput => ({ shape, layout: 'nhwc4' });
  const [large, half, vector] = [map([3, 37, 9, 8]), map([3, 19, 5, 8]), { shape: [8] }];
  const spread = { ...vector, fill: 'positive' as const };
  const window = { kernel: [3, 3], stride: [2, 2], dilation: [1, 1], padding: [1, 1, 1, 1] };
  const size = { height: 37, width: 9 };
  const same = { ...window, stride: [1, 1] };
  const pooling = { ...window, ...size, ceilMode: false, countIncludePad: false };
  const banded: [name: keyof typeof operations, inputs: (CaseInput | undefined)[], attributes: object][] = [
    ['activation_gradient', [large, large], { activation: { kind: 'relu' } }],
    ['conv2d_input_gradient', [half, { shape: [8, 8, 3, 3] }], { ...window, ...size, groups: 1 }],
    ['conv2d_input_gradient', [half, { shape: [8, 1, 3, 3] }], { ...window, ...size, groups: 8 }],
    ['conv2d_weight_gradient', [large, half], { ...window, groups: 1 }],
    ['conv2d_weight_gradient', [large, large], { ...same, groups: 8 }],
    ['pool_gradient', [half, large], { ...pooling, mode: 'max' }],
    ['pool_gradient', [half, undefined], { ...pooling, mode: 'average' }],
    ['lse_pool_gradient', [large, map([3, 8])], { r: 5 }],
    ['channel_sums', [large, large, vector, spread], { epsilon: 0.1 }],
    ['batch_statistics', [large, ...[1, 2].map(() => ({ ...spread, kind: 'state' as const }))], { momentum: 0.1 }],
    ['batch_norm_gradient', [large, large, vector, vector, spread, vector, vector], { epsilon: 0.1 }],
    ['layer_norm_gradient', [large, large, vector], { epsilon: 0.1 }],
    ['lrn_gradient', [large, large], { size: 5, alpha: 1, beta: 0.75, k: 1 }],
  ];
  try {
    for (const [name, inputs, attributes] of banded) {
      const operation = operations[name] as unknown as Operation;
      const one = { inputs, attributes } as Case;
      const halves = traitsOf(gpu).f16 && name.startsWith('conv2d_'); // which have kernels of their own in f16
      for (const type of halves ? (['f32', 'f16'] as const) : (['f32'] as const)) {
        const { graph } = buildCase(operation, one, type);
        const dispatches = (device: Gpu) => lower(graph, traitsOf(device)).steps.length;
        assert.ok(dispatches(narrow) > dispatches(gpu), `${name} in one go`);
        for (const variant of operation.variants?.(graph.nodes[0], traitsOf(gpu)) ?? [undefined]) {
          const check: Check = { label: name, operation, case: one, index: 0, type, variant };
          const { failure } = await runCheck(narrow, check);
          assert.is(failure, undefined, `${name} ${type} ${variant ?? ''} in bands: ${failure}`);
        }
      }
    }
  } finally {
    gpu.close();
  }
});

gradient('only a single number, or a tensor with a seed, can be differentiated', () => {
  const g = createGraph();
  const x = g.input('x', [1, 2, 2, 3]);
  const y = relu(g, x);
  assert.throws(
    () => gradients(g, y, [x]),
    (error: Error) => error instanceof InputError && /single number/.test(error.message),
  );
  const other = g.input('other', [1, 2, 2, 3]);
  const seed = g.input('seed', [1, 2, 2, 3]);
  assert.is(gradients(g, y, [x, other], seed).size, 1);
});

gradient('the error names the operation that has no gradient', () => {
  const g = createGraph();
  const x = g.input('x', [1, 2, 2, 3]);
  const seed = g.input('seed', [1, 1, 1, 3]);
  assert.throws(
    () => gradients(g, g.apply(resizeGradient, [x], { height: 1, width: 1, mode: 'nearest' }), [x], seed),
    /resize_gradient has no gradient.*registerGradient/,
  );
  // An operation of the caller's own is not a pooling, although it has that name.
  assert.throws(
    () =>
      gradients(
        g,
        g.apply({ ...resizeGradient, name: 'pool' }, [x], { height: 1, width: 1, mode: 'nearest' }),
        [x],
        seed,
      ),
    /operation pool has no gradient/,
  );
});

gradient('states can only be updated after everything that reads them, and only states can', () => {
  const g = createGraph({ parameters: 'state' });
  const [slope, hyper] = ['slope', 'hyper'].map((name) => g.input(name, [3], { layout: 'dense' }));
  const weight = g.parameter('weight', [3]);
  const before = sum(g, weight, slope, 'before');
  g.applyAll(sgd, [weight, undefined, slope, hyper, undefined], { nesterov: false, rate: 1, decay: 1 });
  const traits = { software: true, f16: false, subgroupSize: 0, maxInvocations: 256 };
  const limits = { ...traits, maxWorkgroupBytes: 16 << 10, maxBindingBytes: 1 << 20 };
  // The update is kept although no output depends on it, and it runs after the node that reads the old value.
  assert.equal(
    lower(fuse(g.finish([before])), limits).steps.map(({ node }) => node.operation.name),
    ['add', 'sgd'],
  );
  const after = sum(g, weight, slope, 'after');
  assert.throws(() => lower(g.finish([after]), limits), /after reads weight, which an earlier node has overwritten/);
  const fixed = createGraph().parameter('fixed', [3]);
  const attributes = { nesterov: false, rate: 1, decay: 1 };
  assert.throws(
    () => g.applyAll(sgd, [fixed, undefined, slope, hyper, undefined], attributes),
    /overwrites fixed.*state/,
  );
});

gradient.run();
