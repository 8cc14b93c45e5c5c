/** Properties of operations, and their references compared with torch's rules and Pillow's numbers. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph, type GraphBuilder } from '../../src/graph/ir/graph.js';
import type { Case, Operation } from '../../src/graph/ir/operation.js';
import { elementCount, type Tensor } from '../../src/graph/ir/tensor.js';
import { lower, traitsOf } from '../../src/graph/plan/lower.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import { all as forwards } from '../../src/ops/generated/forward.js';
import { forward as logSumExpGradient } from '../../src/ops/gradients/lse_pool_gradient.js';
import { concat } from '../../src/ops/layers/concat.js';
import { conv2d } from '../../src/ops/layers/conv2d.js';
import { localResponseNorm, forward as normalisation } from '../../src/ops/layers/lrn.js';
import { forward as logSumExp } from '../../src/ops/layers/lse_pool.js';
import { mul } from '../../src/ops/layers/mul.js';
import { pad } from '../../src/ops/layers/pad.js';
import { averagePool, maxPool, forward as pool } from '../../src/ops/layers/pool.js';
import { type ResizeMode, resize, forward as resizing } from '../../src/ops/layers/resize.js';
import { softmax } from '../../src/ops/layers/softmax.js';
import { normal, seededRandom } from '../../src/random.js';
import { buildCase, type Check, normalisedError, runCheck } from '../../src/verify/check.js';
import { evaluateReference } from '../../src/verify/reference.js';

const gpu = await openGpu();
fc.configureGlobal({ seed: 8, numRuns: 60 });

const normals = (count: number, seed = 1) => {
  const random = seededRandom(seed);
  return Float64Array.from({ length: count }, () => normal(random));
};

/** One operation's result in float64. */
function truth(
  build: (g: GraphBuilder, x: Tensor) => Tensor,
  shape: readonly number[],
  values: Float64Array,
  layout?: 'dense',
) {
  const g = createGraph();
  const x = g.input('x', shape, { layout: layout ?? 'nhwc4' });
  const y = build(g, x);
  return evaluateReference(g.finish([y]), new Map([[x, values]])).get(y)!;
}

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>, bound = 1e-12) => {
  assert.is(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(Math.abs(actual[i] - expected[i]) <= bound, `element ${i}: ${actual[i]}, expected ${expected[i]}`);
  }
};

const small = (max: number, min = 1) => fc.integer({ min, max });
const pairOf = (of: fc.Arbitrary<number>) => fc.tuple(of, of);
const sidesOf = (of: fc.Arbitrary<number>) => fc.tuple(of, of, of, of);

// Counts the positions of a window by moving it along an axis. In ceil mode there is one more if a part of the padded input is left, unless
// that one would start after the input, in the right padding.
function walk(size: number, span: number, stride: number, before: number, after: number, ceilMode: boolean): number {
  const padded = before + size + after;
  let count = 0;
  while (count * stride + span <= padded) count++;
  const uncovered = padded - ((count - 1) * stride + span);
  if (ceilMode && uncovered > 0) count++;
  if (ceilMode && (count - 1) * stride >= before + size) count--;
  return count;
}

const windows = fc.record({
  size: pairOf(small(20)),
  kernel: pairOf(small(4)),
  stride: pairOf(small(4)),
  padding: sidesOf(small(2, 0)),
});

test('pooling has as many windows as torch counts, and refuses those without an input pixel', () => {
  fc.assert(
    fc.property(windows, pairOf(small(3)), fc.boolean(), ({ size, kernel, stride, padding }, dilation, ceilMode) => {
      const g = createGraph();
      const expected = [0, 1].map((axis) =>
        walk(
          size[axis],
          dilation[axis] * (kernel[axis] - 1) + 1,
          stride[axis],
          padding[axis],
          padding[axis + 2],
          ceilMode,
        ),
      );
      const empty = [0, 1].some((axis) =>
        Array.from({ length: expected[axis] }, (_, o) =>
          Array.from({ length: kernel[axis] }, (_, k) => o * stride[axis] - padding[axis] + k * dilation[axis]),
        ).some((taps) => taps.every((tap) => tap < 0 || tap >= size[axis])),
      );
      const build = () => maxPool(g, g.input('x', [1, ...size, 4]), { kernel, stride, padding, dilation, ceilMode });
      if (empty || Math.min(...expected) < 1) assert.throws(build, (error: unknown) => error instanceof InputError);
      else assert.equal(build().shape, [1, ...expected, 4]);
    }),
    { numRuns: 400 },
  );
});

test('pooling: known shapes and values', () => {
  const shape = (size: number, kernel: number, stride: number, padding: number, ceilMode: boolean) => {
    const g = createGraph();
    return maxPool(g, g.input('x', [1, size, size, 1]), { kernel, stride, padding, ceilMode }).shape[1];
  };
  assert.is(shape(112, 3, 2, 1, false), 56); // ResNet's stem
  assert.is(shape(112, 3, 2, 0, true), 56); // GoogLeNet's
  assert.is(shape(55, 3, 2, 0, false), 27); // AlexNet's
  assert.is(shape(6, 2, 3, 1, true), 3);
  assert.is(shape(5, 2, 3, 1, true), 2); // a third window would start in the right padding
  const one = Float64Array.of(1, 2, 3, 4);
  const average = (countIncludePad: boolean, ceilMode = false) =>
    truth(
      (g, x) => averagePool(g, x, { kernel: 2, stride: 2, padding: [1, 0], countIncludePad, ceilMode }),
      [1, 4, 1, 1],
      one,
    );
  assert.throws(() => average(true), /pooling windows/); // one column is narrower than the window
  const column = (options: { countIncludePad?: boolean; ceilMode?: boolean }) =>
    truth(
      (g, x) => averagePool(g, x, { kernel: [3, 1], stride: [2, 1], padding: [1, 0], ...options }),
      [1, 4, 1, 1],
      one,
    );
  near(column({}), [1, 3]);
  near(column({ countIncludePad: false }), [1.5, 3]);
  near(column({ ceilMode: true }), [1, 3, 2]); // the last window: 4, one row of padding, and one beyond it that does not count
  near(column({ ceilMode: true, countIncludePad: false }), [1.5, 3, 4]);
});

test('pooling: a window of one pixel is the identity, the average of a constant is the constant', () => {
  fc.assert(
    fc.property(windows, ({ size, kernel, stride, padding }) => {
      const shape = [1, ...size, 3];
      const values = normals(size[0] * size[1] * 3);
      near(
        truth((g, x) => maxPool(g, x, { kernel: 1 }), shape, values),
        values,
      );
      near(
        truth((g, x) => averagePool(g, x, { kernel: 1 }), shape, values),
        values,
      );
      try {
        const constant = truth(
          (g, x) => averagePool(g, x, { kernel, stride, padding, ceilMode: true, countIncludePad: false }),
          shape,
          values.fill(2.5),
        );
        near(
          constant,
          constant.map(() => 2.5),
        );
      } catch (error) {
        if (!(error instanceof InputError)) throw error; // a window without a pixel
      }
    }),
  );
});

test('convolution has as many windows as torch counts', () => {
  fc.assert(
    fc.property(windows, pairOf(small(3)), ({ size, kernel, stride, padding }, dilation) => {
      const g = createGraph();
      const expected = [0, 1].map((axis) =>
        walk(
          size[axis],
          dilation[axis] * (kernel[axis] - 1) + 1,
          stride[axis],
          padding[axis],
          padding[axis + 2],
          false,
        ),
      );
      const weight = g.parameter('weight', [5, 3, ...kernel]);
      const build = () => conv2d(g, g.input('x', [2, ...size, 3]), weight, undefined, { stride, padding, dilation });
      if (Math.min(...expected) < 1) assert.throws(build, /the window is larger than the padded input/);
      else assert.equal(build().shape, [2, ...expected, 5]);
    }),
    { numRuns: 300 },
  );
});

const modes: ResizeMode[] = ['nearest', 'bilinear', 'bilinear_corners', 'bilinear_antialiased'];

test('resize: a constant stays constant, no value leaves the range, the same size is the identity', () => {
  fc.assert(
    fc.property(pairOf(small(12)), pairOf(small(12)), fc.constantFrom(...modes), (from, to, mode) => {
      const shape = [2, 1, ...from];
      const scaled = (values: Float64Array, [height, width]: readonly number[]) =>
        truth((g, x) => resize(g, x, { height, width, mode }), shape, values, 'dense');
      const values = normals(2 * from[0] * from[1]);
      const result = scaled(values, to);
      assert.ok(
        Math.max(...result) <= Math.max(...values) + 1e-12 && Math.min(...result) >= Math.min(...values) - 1e-12,
      );
      near(scaled(values, from), values);
      const constant = scaled(values.fill(-1.5), to);
      near(
        constant,
        constant.map(() => -1.5),
      );
    }),
  );
});

test('resize: torch’s nearest, half-pixel and corner rules by hand', () => {
  const column = (values: number[], height: number, mode: ResizeMode) =>
    truth(
      (g, x) => resize(g, x, { height, width: 1, mode }),
      [1, 1, values.length, 1],
      Float64Array.from(values),
      'dense',
    );
  near(column([0, 1, 2, 3, 4], 3, 'nearest'), [0, 1, 3]);
  near(column([0, 1], 4, 'bilinear'), [0, 0.25, 0.75, 1]);
  near(column([0, 1, 2, 3], 2, 'bilinear'), [0.5, 2.5]);
  near(column([0, 1, 2, 3, 4], 3, 'bilinear_corners'), [0, 2, 4]);
  near(column([0, 3], 4, 'bilinear_corners'), [0, 1, 2, 3]);
  near(column([7, 3], 1, 'bilinear_corners'), [7]);
});

/** Made with Pillow 12.3: mode F, resize with BILINEAR; pixel i of the image, row by row, is (37 i mod 101) / 8 − 3. */
const pillow = [
  {
    from: [7, 9],
    to: [3, 4],
    values: [
      2.423214, 2.129138, 2.923127, 3.958163, 4.210084, 4.349175, 2.327834, 2.906302, 3.57653, 4.25588, 3.57622,
      2.63801,
    ],
  },
  {
    from: [10, 6],
    to: [4, 5],
    values: [
      0.491071, 4.547078, 3.028409, 3.354302, 2.122565, 5.008928, 3.801786, 3.5325, 2.613929, 2.633214, 3.733928,
      3.969643, 3.2675, 3.214643, 2.223929, 4.505276, 3.765422, 3.599432, 2.695617, 1.996753,
    ],
  },
  {
    from: [5, 13],
    to: [8, 3],
    values: [
      1.895408, 3.486842, 2.515306, 2.499203, 3.821683, 2.442761, 3.361767, 4.216968, 2.435746, 4.22433, 3.86472,
      3.29831, 3.718112, 3.512473, 3.99984, 1.843112, 3.160225, 4.540338, 2.14206, 3.680099, 3.776467, 2.520408,
      4.111842, 3.140306,
    ],
  },
  {
    from: [2, 2],
    to: [5, 3],
    values: [
      -3.0, -0.6875, 1.625, -2.075, -0.39375, 1.2875, 1.625, 0.78125, -0.0625, 5.325, 1.95625, -1.4125, 6.25, 2.25,
      -1.75,
    ],
  },
  {
    from: [9, 7],
    to: [9, 2],
    values: [
      1.377907, 3.049419, 4.392442, 2.247093, 3.002907, 4.674418, 2.200581, 3.872093, 4.627907, 2.482558, 3.825581,
      2.854651, 3.023256, 3.226744, 3.395349, 2.424419, 4.648256, 4.851744,
    ],
  },
];

test('resize: antialiased as Pillow does it', () => {
  for (const { from, to, values } of pillow) {
    const image = Float64Array.from({ length: from[0] * from[1] }, (_, i) => ((37 * i) % 101) / 8 - 3);
    const [height, width] = to;
    const build = (g: GraphBuilder, x: Tensor) => resize(g, x, { height, width, mode: 'bilinear_antialiased' });
    near(truth(build, [1, 1, ...from], image, 'dense'), values, 2e-6);
    near(truth(build, [1, ...from, 1], image), values, 2e-6);
  }
});

test('softmax: rows sum to one, and a shift changes nothing', () => {
  fc.assert(
    fc.property(small(4), small(40), fc.integer({ min: -500, max: 500 }), (rows, columns, shift) => {
      const values = normals(rows * columns);
      const apply = (of: Float64Array) => truth((g, x) => softmax(g, x), [rows, columns], of);
      const result = apply(values);
      near(result, apply(values.map((value) => value + shift)), 1e-10);
      for (let row = 0; row < rows; row++) {
        const sum = result.subarray(row * columns, (row + 1) * columns).reduce((a, b) => a + b);
        assert.ok(Math.abs(sum - 1) < 1e-12);
      }
    }),
  );
});

test('negative padding undoes padding', () => {
  fc.assert(
    fc.property(pairOf(small(9)), sidesOf(small(5, 0)), (size, [top, left, bottom, right]) => {
      const values = normals(size[0] * size[1] * 3);
      const build = (g: GraphBuilder, x: Tensor) =>
        pad(g, pad(g, x, [top, left, bottom, right], { value: 9 }), [-top, -left, -bottom, -right]);
      near(truth(build, [1, ...size, 3], values), values);
    }),
  );
});

test('local response normalisation is an odd function, and has a simple formula for one channel', () => {
  fc.assert(
    fc.property(small(9), small(7), (channels, size) => {
      const values = normals(channels, size);
      const apply = (of: Float64Array) =>
        truth((g, x) => localResponseNorm(g, x, { size, alpha: 2 }), [1, 1, 1, channels], of);
      near(
        apply(values.map((value) => -value)),
        apply(values).map((value) => -value),
      );
      if (channels > 1) return;
      near(apply(values), [values[0] / (1 + (2 / size) * values[0] ** 2) ** 0.75]);
    }),
  );
});

test('invalid inputs and attributes are refused', () => {
  const g = createGraph();
  const x = g.input('x', [2, 6, 6, 5]);
  const holed = concat(g, [x, g.input('z', [2, 6, 6, 3])]);
  const wrong: (() => unknown)[] = [
    () => maxPool(g, x, { kernel: 0 }),
    () => maxPool(g, x, { kernel: 2, stride: 1.5 }),
    () => maxPool(g, x, { kernel: 7 }),
    () => maxPool(g, x, { kernel: 2, padding: 3 }),
    () => averagePool(g, g.input('flat', [2, 5]), { kernel: 1 }),
    () => localResponseNorm(g, x, { size: 0 }),
    () => localResponseNorm(g, x, { size: 5, k: 0 }),
    () => mul(g, x, g.input('other', [2, 6, 5, 5])),
    () => mul(g, x, g.input('one image', [1, 1, 1, 5])),
    () => pad(g, x, [-3, 0, -3, 0]),
    () => pad(g, x, 0.5),
    () => pad(g, x, 1, { value: Number.NaN }),
    () => resize(g, x, { height: 0, width: 3 }),
    () => resize(g, x, { height: 2 ** 28, width: 3 }),
    () => softmax(g, g.input('labels', [2, 5], { layout: 'dense', type: 'u32' })),
    () => g.apply(normalisation, [holed], { size: 5, alpha: 1, beta: 1, k: 1 }),
  ];
  for (const [index, attempt] of wrong.entries()) {
    assert.throws(attempt, (error: unknown) => error instanceof InputError, `request ${index}`);
  }
});

test('operations that need plain channels take a concatenation with holes', async () => {
  const g = createGraph();
  const [a, b] = [g.input('a', [2, 5, 4, 3]), g.input('b', [2, 5, 4, 6])];
  const scale = g.input('scale', [2, 1, 1, 9]);
  const both = concat(g, [maxPool(g, a, { kernel: 3, stride: 1, padding: 1 }), b]);
  const outputs = [
    localResponseNorm(g, both, { size: 5, alpha: 1 }),
    softmax(g, both),
    mul(g, scale, both),
    pad(g, both, 1, { value: 2 }),
    resize(g, both, { height: 3, width: 7 }),
  ];
  const graph = g.finish(outputs);
  const values = new Map([a, b, scale].map((tensor, seed) => [tensor, normals(elementCount(tensor), seed)]));
  const plan = await createPlan(gpu, graph);
  for (const [tensor, content] of values) plan.write(tensor, content);
  await plan.run();
  const expected = evaluateReference(graph, values);
  for (const tensor of outputs) {
    const error = normalisedError(await plan.read(tensor), expected.get(tensor)!);
    assert.ok(error <= 1e-11, `${tensor.name}: NMSE ${error}`);
  }
  plan.close();
});

async function hold<A extends object>(operation: Operation<A>, one: Case<A>, limit?: number): Promise<void> {
  const check = { label: JSON.stringify(one), operation, case: one, index: 0, type: 'f32', variant: undefined };
  const { failure } = await runCheck(limit ? narrowed(limit) : gpu, check as unknown as Check);
  assert.is(failure, undefined, `${operation.name} ${check.label}: ${failure}`);
}

// The same device, with a limit of `bytes` for a binding.
function narrowed(bytes: number) {
  const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = gpu.limits;
  const limits = {
    maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupStorageSize,
    maxStorageBufferBindingSize: bytes,
  };
  return Object.create(gpu, { limits: { value: limits } }) as typeof gpu;
}

test('random windows and sizes give the reference’s numbers on the GPU', async () => {
  const poolings = fc.record({
    windows,
    dilation: pairOf(small(3)),
    ceilMode: fc.boolean(),
    average: fc.boolean(),
    countIncludePad: fc.boolean(),
    channels: small(9),
  });
  await fc.assert(
    fc.asyncProperty(poolings, async ({ windows: { size, ...window }, average, channels, ...rest }) => {
      const mode = average ? ('average' as const) : ('max' as const);
      const one = { inputs: [{ shape: [2, ...size, channels] }], attributes: { ...window, ...rest, mode } };
      try {
        createGraph().apply(pool, [createGraph().input('x', one.inputs[0].shape)], one.attributes);
      } catch {
        return; // a window without a pixel
      }
      await hold(pool, one);
    }),
  );
  const resizings = fc.record({
    from: pairOf(small(40)),
    to: pairOf(small(40)),
    mode: fc.constantFrom(...modes),
    dense: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(resizings, async ({ from, to: [height, width], mode, dense }) => {
      const input = dense ? { shape: [2, 3, ...from], layout: 'dense' as const } : { shape: [2, ...from, 3] };
      await hold(resizing, { inputs: [input], attributes: { height, width, mode } });
    }),
  );
});

test('log-sum-exp pooling is precise for every sharpness, mean and spread', async () => {
  const maps = fc.record({
    size: pairOf(small(24, 2)),
    channels: small(6),
    seed: fc.nat(1e6),
    /** 10 to this power: the sharpness times the spread; 0 for none. */
    sharpness: fc.option(fc.double({ min: -6, max: 3, noNaN: true })),
    spread: fc.constantFrom(1e-3, 1, 50),
    /** In spreads. */
    mean: fc.constantFrom(0, 0, 1e-4, 0.01, 1, 30, 1000, -3),
    kind: fc.constantFrom('normal', 'balanced', 'sparse'),
  });
  const look = async ({
    size,
    channels,
    seed,
    sharpness,
    spread,
    mean,
    kind,
  }: typeof maps extends fc.Arbitrary<infer T> ? T : never) => {
    const positions = size[0] * size[1];
    const drawn = normals(positions * channels, seed);
    const averages = Array.from({ length: channels }, (_, c) => {
      const own = drawn.filter((_, i) => i % channels === c);
      return own.reduce((a, b) => a + b) / positions;
    });
    const value = (i: number) => {
      if (kind === 'sparse') return i % 53 < channels ? 3 + drawn[i] : 0;
      return kind === 'balanced' ? drawn[i] - averages[i % channels] : drawn[i];
    };
    const fill = (i: number) => spread * (mean + value(i));
    const attributes = { r: sharpness === null ? 0 : 10 ** sharpness / spread };
    const x = { shape: [1, ...size, channels], fill };
    await hold(logSumExp, { inputs: [x], attributes });
    await hold(logSumExpGradient, { inputs: [x, { shape: [1, channels], layout: 'nhwc4', type: 'f32' }], attributes });
  };
  await fc.assert(fc.asyncProperty(maps, look), { numRuns: 40 });
});

test('tensors that exceed a binding are processed in bands, with the same results', async () => {
  const window = { mode: 'max', ceilMode: false, countIncludePad: true, dilation: [1, 1] } as const;
  const shape = [3, 37, 9, 8];
  const banded: [Operation<never>, Case<never>['inputs'], object][] = [
    [pool as never, [{ shape }], { ...window, kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] }],
    [pool as never, [{ shape }], { ...window, mode: 'average', kernel: [2, 3], stride: [1, 3], padding: [1, 0, 0, 1] }],
  ];
  for (const name of ['pad', 'mul', 'compact', 'lrn', 'softmax'] as const) {
    const forward = forwards[name] as unknown as Operation<never>;
    const attributes = {
      pad: { padding: [3, 1, -2, 2], value: 1 },
      mul: {},
      compact: {},
      lrn: { size: 5, alpha: 1, beta: 0.75, k: 1 },
      softmax: {},
    }[name];
    const first = { shape, ...(name === 'compact' ? { segments: [1, 6, 1] } : {}) };
    const scale = { shape: [3, 1, 1, 8], layout: 'nhwc4' as const };
    banded.push([forward, name === 'mul' ? [first, scale] : [first], attributes]);
  }
  for (const mode of modes) {
    banded.push([resizing as never, [{ shape }], { height: 29, width: 11, mode }]);
    banded.push([resizing as never, [{ shape: [3, 2, 137, 19], layout: 'dense' }], { height: 41, width: 21, mode }]);
    banded.push([resizing as never, [{ shape: [1, 2, 7, 9], layout: 'dense' }], { height: 133, width: 30, mode }]);
  }
  for (const [operation, inputs, attributes] of banded) {
    const one = { inputs, attributes } as Case<never>;
    const { graph } = buildCase(operation, one as never, 'f32');
    const dispatches = (device: typeof gpu) => lower(graph, traitsOf(device)).steps.length;
    assert.ok(dispatches(narrowed(4096)) > dispatches(gpu), `${operation.name} in one go`);
    await hold(operation, one, 4096);
  }
});

test('impossible convolutions are refused when they are added to the graph', () => {
  const build = (options: Parameters<typeof conv2d>[4], weight = [4, 4, 3, 3], x = [1, 9, 9, 4]) => {
    const g = createGraph();
    return conv2d(g, g.input('x', x), g.parameter('weight', weight), undefined, options);
  };
  const bad: [Parameters<typeof build>, RegExp][] = [
    [[{ stride: 0 }], /convolution window; .*stride and dilation ≥ 1.*stride 0,0/],
    [[{ stride: 1.5 }], /stride 1.5/],
    [[{ dilation: 0 }], /dilation 0/],
    [[{ padding: 0.5 }], /padding 0.5/],
    [[{ padding: Number.NaN }], /padding; .*given NaN/],
    [[{ groups: 1.5 }, [3, 2, 3, 3], [1, 9, 9, 3]], /groups; .*given 1.5/],
    [[{ groups: 0 }], /groups; .*given 0/],
    [[{}, [4, 5]], /weights do not fit/],
    [[{}, [4, 4, 11, 3]], /larger than the padded input; expected at least 11 × 3; given 9 × 9/],
  ];
  for (const [given, message] of bad) {
    assert.throws(
      () => build(...given),
      (error: unknown) => error instanceof InputError && message.test(error.message),
    );
  }
});

test.after(() => gpu.close());
test.run();
