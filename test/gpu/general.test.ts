/** Operations on tensors of any rank: on the adapter and in float64, for random shapes. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import type { Case, CaseInput, Operation } from '../../src/graph/ir/operation.js';
import { permute } from '../../src/ops/general/permute.js';
import { reduce } from '../../src/ops/general/reduce.js';
import { reshape } from '../../src/ops/general/reshape.js';
import { all as forwards } from '../../src/ops/generated/forward.js';
import { type Check, runCheck } from '../../src/verify/check.js';
import { evaluateReference } from '../../src/verify/reference.js';

const gpu = await openGpu();
fc.configureGlobal({ seed: 5, numRuns: 25 });

async function agrees(name: keyof typeof forwards, one: Case): Promise<void> {
  const operation = forwards[name] as unknown as Operation;
  const check: Check = { label: name, operation, case: one, index: 0, type: 'f32', variant: undefined };
  const { failure } = await runCheck(gpu, check);
  assert.is(failure, undefined, `${name} of ${JSON.stringify(one)}: ${failure}`);
}

const shapes = (most = 5) => fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: most });
/** A shape, and one that can be repeated to it. */
const repeated = shapes().chain((shape) =>
  fc.tuple(
    fc.constant(shape),
    fc.tuple(...shape.map((size) => fc.constantFrom(size, 1))),
    fc.nat({ max: shape.length }),
  ),
);
/** Dense, or nhwc4 where there are channels. */
const input = (shape: readonly number[], isMap: boolean): CaseInput => ({
  shape,
  layout: isMap && shape.length > 0 ? 'nhwc4' : 'dense',
});

test('functions of several tensors, with dimensions repeated', async () => {
  await fc.assert(
    fc.asyncProperty(repeated, fc.boolean(), fc.boolean(), async ([shape, other, cut], isMap, isSwapped) => {
      const pair = [input(shape, isMap), { shape: other.slice(cut), layout: 'dense' as const }];
      const both = isSwapped ? pair.reverse() : pair;
      await agrees('binary', { inputs: both, attributes: { kind: 'sub' } });
      await agrees('where', { inputs: [pair[1], ...both], attributes: {} });
    }),
  );
});

test('reductions over any dimensions', async () => {
  await fc.assert(
    fc.asyncProperty(shapes(), fc.nat(31), fc.boolean(), fc.boolean(), async (shape, mask, isMap, keepDims) => {
      const axes = shape.flatMap((_, d) => (mask & (1 << d) ? [d] : []));
      await agrees('reduce', { inputs: [input(shape, isMap)], attributes: { kind: 'l2', axes, keepDims } });
    }),
  );
});

const orders = shapes(6).chain((shape) =>
  fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()], { minLength: shape.length })),
);

test('permute: any order of dimensions, between the layouts and back', async () => {
  await fc.assert(
    fc.asyncProperty(orders, fc.boolean(), fc.boolean(), async ([shape, order], isMap, toMap) => {
      const layout = toMap && shape.length > 0 ? 'nhwc4' : 'dense';
      await agrees('permute', { inputs: [input(shape, isMap)], attributes: { order, layout } });
      const g = createGraph();
      const x = g.input('x', shape, { layout: 'dense' });
      const back = permute(
        g,
        permute(g, x, order, layout),
        order.map((_, d) => order.indexOf(d)),
      );
      const values = Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i);
      assert.equal(evaluateReference(g.finish([back]), new Map([[x, values]])).get(back), values);
    }),
  );
});

test('inputs that do not fit are refused', () => {
  const g = createGraph();
  const x = g.input('x', [2, 3, 5], { layout: 'dense' });
  assert.throws(() => reshape(g, x, [4, 7]), /sizes for f32\[2×3×5\]/);
  assert.throws(() => reshape(g, x, [-1, -1]), /sizes for/);
  assert.throws(() => reshape(g, x, [0, 0, 0, 0]), /sizes for/);
  assert.throws(() => permute(g, x, [0, 0, 1]), /each dimension of f32\[2×3×5\] once/);
  assert.throws(() => reduce(g, x, { kind: 'sum', axes: [3] }), /dimensions of f32\[2×3×5\], each once/);
});

test.after(() => gpu.close());
test.run();
