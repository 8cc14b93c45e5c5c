/** Transposed convolution, resizing by any rule, and pooling by norms, held against other operations and known numbers. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createGraph, type GraphBuilder } from '../../src/graph/ir/graph.js';
import { elementCount, type Tensor } from '../../src/graph/ir/tensor.js';
import { convTranspose2d } from '../../src/ops/general/conv_transpose2d.js';
import { lpPool } from '../../src/ops/general/lp_pool.js';
import { type ResizeAxisOptions, resizeAxis, resizePlaces } from '../../src/ops/general/resize_axis.js';
import { type ResizeMode, resize } from '../../src/ops/layers/resize.js';
import { windowCounts } from '../../src/ops/windows.js';
import { normalisedError } from '../../src/verify/check.js';
import { evaluateReference } from '../../src/verify/reference.js';

const values = (count: number) => Float64Array.from({ length: count }, (_, i) => Math.sin(1.7 * i) + 0.1 * (i % 3));

/** What a function adds, in float64. */
function truth(build: (g: GraphBuilder, x: Tensor) => Tensor, shape: readonly number[]) {
  const g = createGraph();
  const x = g.input('x', shape);
  const y = build(g, x);
  return { y, values: evaluateReference(g.finish([y]), new Map([[x, values(elementCount(x))]])).get(y)! };
}

const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) => {
  assert.is(actual.length, expected.length);
  assert.ok(normalisedError(actual, expected) < 1e-20, `${Array.from(actual)} instead of ${Array.from(expected)}`);
};

test('resizing axis by axis gives the same as the operation for whole images', () => {
  const same: readonly [ResizeMode, ResizeAxisOptions][] = [
    ['nearest', { mode: 'nearest', coordinates: 'asymmetric', nearest: 'floor' }],
    ['bilinear', { mode: 'linear', coordinates: 'half_pixel' }],
    ['bilinear_corners', { mode: 'linear', coordinates: 'align_corners' }],
  ];
  for (const [height, width] of [
    [9, 3],
    [4, 11],
    [1, 5],
  ]) {
    for (const [mode, options] of same) {
      const own = truth((g, x) => resize(g, x, { height, width, mode }), [2, 4, 5, 3]);
      const axes = truth(
        (g, x) => resizeAxis(g, resizeAxis(g, x, 1, { ...options, count: height }), 2, { ...options, count: width }),
        [2, 4, 5, 3],
      );
      near(axes.values, own.values);
    }
  }
});

test('resizing: known places and weights', () => {
  const taken = (options: ResizeAxisOptions, size = 2) => resizePlaces(size, options).sources.flat();
  const halves = { count: 4, coordinates: 'asymmetric' } as const; // positions 0, ½, 1, 1½
  assert.equal(taken({ ...halves, nearest: 'round_prefer_floor' }), [0, 0, 1, 1]);
  assert.equal(taken({ ...halves, nearest: 'round_prefer_ceil' }), [0, 1, 1, 1]);
  assert.equal(taken({ ...halves, nearest: 'floor' }), [0, 0, 1, 1]);
  assert.equal(taken({ ...halves, nearest: 'ceil' }), [0, 1, 1, 1]);
  assert.equal(taken({ count: 3, coordinates: 'tf_half_pixel_for_nn', nearest: 'floor' }, 6), [1, 3, 5]);
  assert.equal(taken({ count: 1, coordinates: 'pytorch_half_pixel' }, 5), [0]);
  assert.equal(taken({ scale: 0.6 }, 4), [0, 2]); // ⌊2.4⌋ places, at ⅓ and 2
  assert.equal(taken({ scale: 0.6, coordinates: 'half_pixel_symmetric' }, 5), [0, 2, 4]);
  const at = (options: ResizeAxisOptions, x: readonly number[]) => {
    const { sources, weights } = resizePlaces(x.length, options);
    return sources.map((own, i) => own.reduce((sum, place, k) => sum + (weights?.[i][k] ?? 1) * x[place], 0));
  };
  near(at({ scale: 2, mode: 'linear' }, [1, 2, 4]), [1, 1.25, 1.75, 2.5, 3.5, 4]);
  // As in ONNX's tests, and as in onnxruntime and PyTorch.
  const corners = { scale: 0.6, mode: 'linear', coordinates: 'align_corners' } as const;
  near(at({ ...corners, length: 2.4 }, [1, 2, 3, 4]), [1, 1 + 3 / 1.4]);
  near(at(corners, [1, 2, 3, 4]), [1, 4]);
  assert.throws(() => resizePlaces(4, { scale: 1e-300, count: 3, mode: 'linear', antialias: true }), /resizing/);
  assert.throws(
    () => resizePlaces(4, { count: 3, coordinates: 'align_corners', length: 1, mode: 'linear' }),
    /resizing/,
  );
  // With −½ cubic interpolation keeps a parabola, but for the ends.
  const parabola = [0, 1, 4, 9, 16, 25];
  const cubic = at({ count: 11, mode: 'cubic', coordinates: 'align_corners', cubic: -0.5 }, parabola);
  near(
    cubic.slice(2, -2),
    [1, 1.5, 2, 2.5, 3, 3.5, 4].map((x) => x * x),
  );
  near(at({ scale: 1.7, mode: 'cubic', excludeOutside: true }, [3, 3, 3, 3]), [3, 3, 3, 3, 3, 3]);
  assert.throws(() => resizePlaces(3, { scale: 0.1 }), /at least one place/);
});

test('pooling by norms, in ceil mode too', () => {
  const shape = [2, 5, 6, 3] as const;
  const [kernel, stride, padding] = [[3, 2] as const, [2, 3] as const, [1, 0, 1, 0] as const];
  const x = values(2 * 5 * 6 * 3);
  for (const p of [1, 2, 3]) {
    for (const ceilMode of [false, true]) {
      const counts = windowCounts({ kernel, stride, dilation: [1, 1], padding }, [5, 6], ceilMode);
      const expected: number[] = [];
      for (let n = 0; n < 2; n++) {
        for (let oy = 0; oy < counts[0]; oy++) {
          for (let ox = 0; ox < counts[1]; ox++) {
            for (let c = 0; c < 3; c++) {
              let sum = 0;
              for (let iy = oy * 2 - 1; iy < oy * 2 + 2; iy++) {
                for (let ix = ox * 3; ix < ox * 3 + 2; ix++) {
                  if (iy >= 0 && iy < 5 && ix < 6) sum += Math.abs(x[((n * 5 + iy) * 6 + ix) * 3 + c]) ** p;
                }
              }
              expected.push(sum ** (1 / p));
            }
          }
        }
      }
      near(truth((g, image) => lpPool(g, image, { p, kernel, stride, padding, ceilMode }), shape).values, expected);
    }
  }
});

test('a transposed convolution spreads each pixel over a window; wrong sizes are refused', () => {
  const weight = (g: GraphBuilder, shape: number[]) =>
    g.constant('weight', { shape, layout: 'dense', type: 'f32' }, values(shape.reduce((a, b) => a * b, 1)));
  const build = (g: GraphBuilder, x: Tensor) =>
    convTranspose2d(
      g,
      x,
      weight(g, [1, 2, 2, 2]),
      g.constant('b', { shape: [2], layout: 'dense', type: 'f32' }, [1, -1]),
      {
        stride: 3,
        outputPadding: [1, 0],
      },
    );
  const { y, values: result } = truth(build, [1, 2, 1, 1]);
  assert.equal(y.shape, [1, 6, 2, 2]);
  const [x, w] = [values(2), values(8)];
  const at = (row: number, column: number, channel: number) => result[(row * 2 + column) * 2 + channel];
  near([at(4, 1, 1), at(0, 0, 0), at(2, 1, 0), at(5, 0, 1)], [x[1] * w[7] - 1, x[0] * w[0] + 1, 1, -1]);
  const refused = (shape: number[], options: object) =>
    truth((g, image) => convTranspose2d(g, image, weight(g, shape), undefined, options), [1, 2, 2, 3]);
  assert.throws(() => refused([2, 3, 1, 1], {}), /expected \[3, outputs/);
  assert.throws(() => refused([3, 1, 1, 1], { outputPadding: 1 }), /below the stride 1, 1/);
  assert.throws(() => refused([3, 1, 1, 1], { padding: 1 }), /takes everything away/);
});

test.run();
