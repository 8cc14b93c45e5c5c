/** Layers and operations of TensorFlow.js models that change maps: each by its class activation maps, against maps computed by hand. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { functional, layer, modelOf, node, type Stored } from '../support/tensorflow.js';
import {
  CONV,
  close,
  conv,
  convolution,
  convolved,
  DENSE,
  dense,
  graph,
  HEAD,
  IMAGE,
  image,
  ints,
  keras,
  logitsOf,
  OFFSET,
  run,
  weights,
} from '../support/tensorflow_network.js';

/** Maps of channels, rows first. */
interface Maps {
  rows: number;
  columns: number;
  maps: readonly (readonly number[])[];
}

const square = (side: number, maps: Maps['maps']): Maps => ({ rows: side, columns: side, maps });
const FIRST = square(7, convolved(image, 1, true).maps);
const STRIDED = square(4, convolved(image, 2, true).maps);

/** Maps of another size, each pixel by what `of` makes of its channel and place. */
function drawn(
  from: Maps,
  rows: number,
  columns: number,
  of: (at: (y: number, x: number) => number | undefined, y: number, x: number, c: number) => number,
): Maps {
  const maps = from.maps.map((map, c) => {
    const at = (y: number, x: number) =>
      y >= 0 && y < from.rows && x >= 0 && x < from.columns ? map[y * from.columns + x] : undefined;
    return Array.from({ length: rows * columns }, (_, p) => of(at, Math.floor(p / columns), p % columns, c));
  });
  return { rows, columns, maps };
}

const each = (from: Maps, of: (x: number, c: number, p: number) => number): Maps => ({
  ...from,
  maps: from.maps.map((map, c) => map.map((x, p) => of(x, c, p))),
});

/** Pixels of a window; those outside are left out. */
const windowOf = (at: (y: number, x: number) => number | undefined, top: number, left: number, size: number) =>
  Array.from({ length: size * size }, (_, i) => at(top + Math.floor(i / size), left + (i % size))).filter(
    (x): x is number => x !== undefined,
  );
const largest = (list: readonly number[]) => list.reduce((a, b) => Math.max(a, b));
const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;

/** Bilinear by the centres of pixels. */
function bilinear(from: Maps, rows: number, columns: number): Maps {
  const along = (o: number, size: number, wanted: number) => {
    const place = Math.min(Math.max(((o + 0.5) * size) / wanted - 0.5, 0), size - 1);
    const low = Math.min(Math.floor(place), Math.max(0, size - 2));
    return [low, place - low] as const;
  };
  return drawn(from, rows, columns, (at, y, x) => {
    const [[top, down], [left, right]] = [along(y, from.rows, rows), along(x, from.columns, columns)];
    const row = (r: number) => at(r, left)! * (1 - right) + (right && at(r, left + 1)! * right);
    return row(top) * (1 - down) + (down && row(top + 1) * down);
  });
}

const nearest = (from: Maps, rows: number, columns: number) =>
  drawn(
    from,
    from.rows * rows,
    from.columns * columns,
    (at, y, x) => at(Math.floor(y / rows), Math.floor(x / columns))!,
  );

const padded = (from: Maps, [top, bottom, left, right]: readonly number[], value = 0) =>
  drawn(from, from.rows + top + bottom, from.columns + left + right, (at, y, x) => at(y - top, x - left) ?? value);

const joined = (...parts: Maps[]): Maps => ({ ...parts[0], maps: parts.flatMap(({ maps }) => maps) });

/** Logits and class activation maps are those of the maps that are expected before the pooling. */
async function gives(model: Parameters<typeof run>[0], expected: Maps) {
  const { logits, heatmaps } = await run(model);
  close(logits, logitsOf(expected.maps));
  const scores = [0, 1].flatMap((o) =>
    expected.maps[0].map((_, p) => expected.maps.reduce((sum, map, c) => sum + map[p] * DENSE.data[c * 2 + o], 0)),
  );
  close(heatmaps, scores);
}

const ALPHA = weights(1, 1, 4);
const ALPHAS = weights(7, 7, 4);
const [MEAN, VARIANCE] = [weights(4), { shape: [4], data: [0.5, 2, 1, 3] }];
const HALF = weights(1, 1, 4, 2);
const MIX = weights(1, 1, 8, 4);
const halved = ({ rows, columns, maps }: Maps): Maps => ({
  ...{ rows, columns },
  maps: [0, 1].map((o) => maps[0].map((_, p) => maps.reduce((sum, map, c) => sum + map[p] * HALF.data[c * 2 + o], 0))),
});
const mixed = ({ rows, columns, maps }: Maps): Maps => ({
  ...{ rows, columns },
  maps: [0, 1, 2, 3].map((o) =>
    maps[0].map((_, p) => maps.reduce((sum, map, c) => sum + map[p] * MIX.data[c * 4 + o], 0)),
  ),
});
const relu = (from: Maps) => each(from, (x) => Math.max(x, 0));

const between = (kind: string, config: Record<string, unknown> = {}) => layer(kind, 'between', config, ['conv']);
const after = (from: string | string[], kind: string, name: string, config: Record<string, unknown> = {}) =>
  layer(kind, name, config, [from].flat());

const LAYERS: [string, unknown[], Maps, Record<string, Stored>?][] = [
  [
    'MaxPooling2D, same',
    [between('MaxPooling2D', { pool_size: 3, strides: 2, padding: 'same' })],
    drawn(FIRST, 4, 4, (at, y, x) => largest(windowOf(at, 2 * y - 1, 2 * x - 1, 3))),
  ],
  [
    'MaxPooling2D, valid',
    [between('MaxPooling2D', {})],
    drawn(FIRST, 3, 3, (at, y, x) => largest(windowOf(at, 2 * y, 2 * x, 2))),
  ],
  [
    'AveragePooling2D, same: only what is inside counts',
    [between('AveragePooling2D', { pool_size: [3, 3], strides: [2, 2], padding: 'same' })],
    drawn(FIRST, 4, 4, (at, y, x) => mean(windowOf(at, 2 * y - 1, 2 * x - 1, 3))),
  ],
  [
    'ZeroPadding2D, each side its own',
    [
      between('ZeroPadding2D', {
        padding: [
          [1, 2],
          [0, 3],
        ],
      }),
    ],
    padded(FIRST, [1, 2, 0, 3]),
  ],
  [
    'Cropping2D, each side its own',
    [
      between('Cropping2D', {
        cropping: [
          [1, 2],
          [0, 3],
        ],
      }),
    ],
    drawn(FIRST, 4, 4, (at, y, x) => at(y + 1, x)!),
  ],
  [
    'Cropping2D, rows and columns',
    [between('Cropping2D', { cropping: [2, 1] })],
    drawn(FIRST, 3, 5, (at, y, x) => at(y + 2, x + 1)!),
  ],
  ['UpSampling2D', [between('UpSampling2D', { size: [2, 3] })], nearest(FIRST, 2, 3)],
  [
    'UpSampling2D, bilinear',
    [between('UpSampling2D', { size: 2, interpolation: 'bilinear' })],
    bilinear(FIRST, 14, 14),
  ],
  ['Resizing', [between('Resizing', { height: 5, width: 9, crop_to_aspect_ratio: false })], bilinear(FIRST, 5, 9)],
  [
    'PReLU, shared',
    [between('PReLU', { shared_axes: [1, 2] })],
    each(FIRST, (x, c) => (x < 0 ? ALPHA.data[c] * x : x)),
    { 'between/alpha': ALPHA },
  ],
  // Maps stay the way round that the image is.
  ['Permute', [between('Permute', { dims: [2, 1, 3] })], FIRST],
  [
    'Reshape, there and back',
    [
      after('conv', 'Reshape', 'flat', { target_shape: [49, 4] }),
      after('flat', 'Reshape', 'between', { target_shape: [-1, 7, 4] }),
    ],
    FIRST,
  ],
  [
    'Normalization by settings',
    [between('Normalization', { axis: -1, mean: [[[Array.from(MEAN.data)]]], variance: VARIANCE.data })],
    each(FIRST, (x, c) => (x - MEAN.data[c]) / Math.sqrt(VARIANCE.data[c])),
  ],
  [
    'Normalization by weights',
    [between('Normalization', { axis: [3] })],
    each(FIRST, (x, c) => (x - MEAN.data[c]) / Math.sqrt(VARIANCE.data[c])),
    { 'between/mean': MEAN, 'between/variance': VARIANCE, 'between/count': { shape: [], data: [3], dtype: 'int32' } },
  ],
  [
    'Concatenate channels',
    [
      after('conv', 'Conv2D', 'half', { filters: 2, kernel_size: 1, use_bias: false }),
      after('half', 'ReLU', 'cut'),
      after(['half', 'cut'], 'Concatenate', 'between', { axis: -1 }),
    ],
    joined(halved(FIRST), relu(halved(FIRST))),
    { 'half/kernel': HALF },
  ],
  [
    'Concatenate, axis 3, into a convolution',
    [
      after('conv', 'ReLU', 'cut'),
      after(['cut', 'conv'], 'Concatenate', 'both', { axis: 3 }),
      after('both', 'Conv2D', 'between', { filters: 4, kernel_size: 1, use_bias: false }),
    ],
    mixed(joined(relu(FIRST), FIRST)),
    { 'between/kernel': MIX },
  ],
  [
    'Subtract, Maximum, Minimum',
    [
      after('conv', 'ReLU', 'cut', { max_value: 0.2 }),
      after(['conv', 'cut'], 'Subtract', 'less'),
      after(['less', 'cut'], 'Maximum', 'more'),
      after(['more', 'conv'], 'Minimum', 'between'),
    ],
    each(FIRST, (x) => {
      const cut = Math.min(Math.max(x, 0), 0.2);
      return Math.min(Math.max(x - cut, cut), x);
    }),
  ],
];

for (const [name, layers, expected, own] of LAYERS)
  test(`layers model: ${name}`, () => gives(keras([convolution(), ...layers], own), expected));

test('layers model: PReLU with a factor for each place is computed, or refused by name', async () => {
  const model = keras([convolution(), between('PReLU', {})], { 'between/alpha': ALPHAS });
  const expected = each(FIRST, (x, c, p) => (x < 0 ? ALPHAS.data[p * 4 + c] * x : x));
  await gives(model, expected).catch((error: Error) => assert.match(error.message, /PReLU 'between'/));
});

test('layers model: channels first', async () => {
  const format = { data_format: 'channels_first' };
  const [gamma, beta, moving] = [weights(4), weights(4), weights(4)];
  const layers = [
    ...[IMAGE, layer('Permute', 'turned', { dims: [3, 1, 2] }, ['image'])],
    layer('Conv2D', 'conv', { filters: 4, kernel_size: 3, padding: 'same', ...format }, ['turned']),
    layer('BatchNormalization', 'norm', { axis: 1, epsilon: 0.001 }, ['conv']),
    layer(
      'ZeroPadding2D',
      'pad',
      {
        padding: [
          [0, 1],
          [2, 0],
        ],
        ...format,
      },
      ['norm'],
    ),
    layer('MaxPooling2D', 'small', { pool_size: 2, strides: 1, ...format }, ['pad']),
    layer(
      'Cropping2D',
      'cut',
      {
        cropping: [
          [1, 0],
          [0, 1],
        ],
        ...format,
      },
      ['small'],
    ),
    layer('GlobalAveragePooling2D', 'pool', format, ['cut']),
    layer('Dense', 'fc', { units: 2 }, ['pool']),
  ];
  const own = { 'norm/gamma': gamma, 'norm/beta': beta, 'norm/moving_mean': moving, 'norm/moving_variance': VARIANCE };
  const normed = each(
    FIRST,
    (x, c) => ((x - moving.data[c]) / Math.sqrt(VARIANCE.data[c] + 0.001)) * gamma.data[c] + beta.data[c],
  );
  const small = drawn(padded(normed, [0, 1, 2, 0]), 7, 8, (at, y, x) => largest(windowOf(at, y, x, 2)));
  const expected = drawn(small, 6, 7, (at, y, x) => at(y + 1, x)!);
  await gives(modelOf({ model_config: functional(layers, 'image', 'fc') }, { ...CONV, ...own, ...HEAD }), expected);
});

test('layers model: flattened channels are those of channels last, whatever the maps are', async () => {
  const kernel = weights(196, 2);
  const model = (layers: unknown[]) =>
    modelOf(
      { model_config: functional([IMAGE, ...layers], 'image', 'fc') },
      { ...CONV, 'fc/kernel': kernel, 'fc/bias': OFFSET },
    );
  const first = { data_format: 'channels_first' };
  const layers = [
    layer('Permute', 'turned', { dims: [3, 1, 2] }, ['image']),
    layer('Conv2D', 'conv', { filters: 4, kernel_size: 3, padding: 'same', ...first }, ['turned']),
    layer('Flatten', 'flat', first, ['conv']),
    layer('Dense', 'fc', { units: 2 }, ['flat']),
  ];
  const plain = [convolution(), layer('Flatten', 'flat', {}, ['conv']), layer('Dense', 'fc', { units: 2 }, ['flat'])];
  // No pooling stands before such a classifier, so it is refused, of both in the same words.
  const messages = await Promise.all(
    [layers, plain].map((one) =>
      run(model(one)).then(
        (result) => result.logits.join(),
        (error: Error) => error.message,
      ),
    ),
  );
  assert.is(messages[0], messages[1]);
});

test('layers model: GlobalMaxPooling2D, and pooling that keeps its dimensions', async () => {
  const layers = (pool: string, keep: boolean) => [
    ...[IMAGE, convolution(), layer(pool, 'pool', keep ? { keepdims: true } : {}, ['conv'])],
    ...(keep ? [layer('Flatten', 'flat', {}, ['pool'])] : []),
    layer('Dense', 'fc', { units: 2 }, [keep ? 'flat' : 'pool']),
  ];
  for (const [pool, of] of [
    ['GlobalMaxPooling2D', largest],
    ['GlobalAveragePooling2D', mean],
  ] as const)
    for (const keep of [false, true]) {
      const model = modelOf({ model_config: functional(layers(pool, keep), 'image', 'fc') }, { ...CONV, ...HEAD });
      const result = await run(model).catch((error: Error) => error);
      // A maximum of all positions is no mean of maps: it is computed as such, or refused by name.
      if (result instanceof Error) assert.match(result.message, /pool.*stands between|maximum/i);
      else close(result.logits, dense(FIRST.maps.map(of)));
      if (pool === 'GlobalAveragePooling2D') assert.not.instance(result, Error);
    }
});

const plain = conv('_FusedConv2D', 'y', { fused_ops: ['BiasAdd'] });
const sides = (...list: number[]): Stored => ({ shape: [4, 2], data: list, dtype: 'int32' });
const one = (value: number): Stored => ({ shape: [], data: [value], dtype: 'int32' });
const reflected = (from: Maps, top: number, left: number): Maps =>
  drawn(from, from.rows + top, from.columns + left, (at, y, x) => at(Math.abs(y - top), Math.abs(x - left))!);

const windows = { ksize: [1, 3, 3, 1], strides: [1, 2, 2, 1], padding: 'SAME', data_format: 'NHWC' };

const OPERATIONS: [string, unknown[], Maps, Record<string, Stored>?][] = [
  [
    'MaxPool, SAME',
    [node('MaxPool', 'z', ['y'], windows)],
    drawn(STRIDED, 2, 2, (at, y, x) => largest(windowOf(at, 2 * y, 2 * x, 3))),
  ],
  [
    'AvgPool, SAME: only what is inside counts',
    [node('AvgPool', 'z', ['y'], windows)],
    drawn(STRIDED, 2, 2, (at, y, x) => mean(windowOf(at, 2 * y, 2 * x, 3))),
  ],
  ['Pad', [node('Pad', 'z', ['y', 'sides'])], padded(STRIDED, [1, 0, 2, 3]), { sides: sides(0, 0, 1, 0, 2, 3, 0, 0) }],
  [
    'PadV2 with a number',
    [node('PadV2', 'z', ['y', 'sides', 'value'])],
    padded(STRIDED, [1, 0, 2, 3], -0.5),
    { sides: sides(0, 0, 1, 0, 2, 3, 0, 0), value: { shape: [], data: [-0.5] } },
  ],
  [
    'MirrorPad, REFLECT',
    [node('MirrorPad', 'z', ['y', 'sides'], { mode: 'REFLECT' })],
    reflected(STRIDED, 2, 1),
    { sides: sides(0, 0, 2, 0, 1, 0, 0, 0) },
  ],
  [
    'Split and ConcatV2',
    [
      node('Split', 'parts', ['axis', 'y'], { num_split: 2 }),
      node('Relu', 'cut', ['parts:1']),
      node('ConcatV2', 'z', ['cut', 'parts', 'axis']),
    ],
    joined(relu({ ...STRIDED, maps: STRIDED.maps.slice(2) }), { ...STRIDED, maps: STRIDED.maps.slice(0, 2) }),
    { axis: one(3) },
  ],
  [
    'SplitV into parts of their own sizes',
    [
      node('SplitV', 'parts', ['y', 'sizes', 'axis'], { num_split: 2 }),
      node('ConcatV2', 'z', ['parts:1', 'parts', 'axis']),
    ],
    { ...STRIDED, maps: [1, 2, 3, 0].map((c) => STRIDED.maps[c]) },
    { axis: one(-1), sizes: ints(1, 3) },
  ],
  [
    'GatherV2 of channels',
    [node('GatherV2', 'z', ['y', 'which', 'axis'], { batch_dims: 0 })],
    { ...STRIDED, maps: [3, 1, 0, 2].map((c) => STRIDED.maps[c]) },
    { which: ints(3, 1, 0, 2), axis: one(3) },
  ],
  [
    'Slice',
    [node('Slice', 'z', ['y', 'from', 'size'])],
    drawn(STRIDED, 3, 2, (at, y, x) => at(y + 1, x)!),
    { from: ints(0, 1, 0, 0), size: ints(-1, -1, 2, 4) },
  ],
  [
    'ResizeBilinear by centres',
    [node('ResizeBilinear', 'z', ['y', 'size'], { half_pixel_centers: true, align_corners: false })],
    bilinear(STRIDED, 6, 5),
    { size: ints(6, 5) },
  ],
  [
    'ResizeNearestNeighbor by centres',
    [node('ResizeNearestNeighbor', 'z', ['y', 'size'], { half_pixel_centers: true })],
    nearest(STRIDED, 2, 3),
    { size: ints(8, 12) },
  ],
  [
    'ResizeNearestNeighbor',
    [node('ResizeNearestNeighbor', 'z', ['y', 'size'], {})],
    drawn(STRIDED, 3, 6, (at, y, x) => at(Math.floor((y * 4) / 3), Math.floor((x * 4) / 6))!),
    { size: ints(3, 6) },
  ],
  [
    'ResizeNearestNeighbor by centres, to no multiple of the size',
    [node('ResizeNearestNeighbor', 'z', ['y', 'size'], { half_pixel_centers: true })],
    drawn(STRIDED, 6, 5, (at, y, x) => at(Math.floor(((y + 0.5) * 4) / 6), Math.floor(((x + 0.5) * 4) / 5))!),
    { size: ints(6, 5) },
  ],
  [
    'ResizeNearestNeighbor by corners',
    [node('ResizeNearestNeighbor', 'z', ['y', 'size'], { align_corners: true })],
    drawn(STRIDED, 6, 5, (at, y, x) => at(Math.round((y * 3) / 5), Math.round((x * 3) / 4))!),
    { size: ints(6, 5) },
  ],
  [
    'ResizeBilinear by left upper corners of pixels',
    [node('ResizeBilinear', 'z', ['y', 'size'], {})],
    drawn(STRIDED, 6, 5, (at, y, x) => {
      const [top, left] = [(y * 4) / 6, (x * 4) / 5];
      const [row, column] = [Math.floor(top), Math.floor(left)];
      const [down, right] = [top - row, left - column];
      const inside = (i: number, j: number) => at(Math.min(i, 3), Math.min(j, 3))!;
      const upper = (1 - right) * inside(row, column) + right * inside(row, column + 1);
      return (1 - down) * upper + down * ((1 - right) * inside(row + 1, column) + right * inside(row + 1, column + 1));
    }),
    { size: ints(6, 5) },
  ],
  [
    'Conv2D, MaxPool and BiasAdd in NCHW',
    [
      node('Transpose', 'turned', ['image', 'forth']),
      node('Conv2D', 'c', ['turned', 'k'], { strides: [1, 1, 2, 2], padding: 'SAME', data_format: 'NCHW' }),
      node('BiasAdd', 'a', ['c', 'b'], { data_format: 'NCHW' }),
      node('MaxPool', 'm', ['a'], {
        ksize: [1, 1, 2, 2],
        strides: [1, 1, 1, 1],
        padding: 'VALID',
        data_format: 'NCHW',
      }),
      node('Transpose', 'z', ['m', 'back']),
    ],
    drawn(STRIDED, 3, 3, (at, y, x) => largest(windowOf(at, y, x, 2))),
    { forth: ints(0, 3, 1, 2), back: ints(0, 2, 3, 1) },
  ],
];

for (const [name, nodes, expected, own = {}] of OPERATIONS)
  test(`graph model: ${name}`, () =>
    gives(graph(/"y"/.test(JSON.stringify(nodes)) ? [plain, ...nodes] : nodes, 'z', own, Object.keys(own)), expected));

test.run();
