/** Convolutions, dense layers, poolings and norms, for values with any order of dimensions. */
import { channelCount, type Tensor } from '../graph/ir/tensor.js';
import { inParts, type Part, partName, partsOf } from '../nets/head/large_layers.js';
import { convTranspose2d } from '../ops/general/conv_transpose2d.js';
import { forward as batchNorm } from '../ops/layers/batch_norm.js';
import { conv2d } from '../ops/layers/conv2d.js';
import { forward as layerNormalisation } from '../ops/layers/layer_norm.js';
import { forward as lsePool } from '../ops/layers/lse_pool.js';
import { type PoolAttributes, forward as windows } from '../ops/layers/pool.js';
import { compact } from '../ops/packing/compact.js';
import type { Pair, Sides } from '../ops/windows.js';
import { asMap, asValue, type Kit, type Order, parameter, settled, sizesOf, Unsupported, type Value } from './kit.js';
import { orderOf } from './map_order.js';
import type { Constant } from './plain.js';
import { isWhole, placesOf, type Run, sizeOf, whole } from './views.js';

/** Weights with the name that the file gives them. */
export interface Named {
  readonly name: string;
  readonly constant: Constant;
}

export interface Convolution {
  /** [outputs, inputs / groups, rows, columns]. */
  readonly weight: Named;
  readonly bias?: Named | undefined;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly padding: Sides;
  readonly groups: number;
}

/** Adds a convolution. */
export function convolve(kit: Kit, value: Value, order: Order, options: Convolution): Value {
  const { weight, bias, ...rest } = options;
  const x = asMap(kit, value, order);
  const shape = weight.constant.shape;
  const [outputs] = shape;
  const y = conv2d(
    kit.g,
    x,
    parameter(kit, weight.name, 'as it is', weight.constant, shape, weight.constant.values),
    bias && parameter(kit, bias.name, 'as it is', bias.constant, [outputs], bias.constant.values),
    { ...rest, name: kit.name },
  );
  return asValue(y, order, value.dims.length);
}

/** Adds a transposed convolution. The weights are [inputs, outputs / groups, rows, columns]. */
export function convolveTransposed(
  kit: Kit,
  value: Value,
  order: Order,
  { weight, bias, groups, ...rest }: Convolution & { readonly outputPadding: Pair },
): Value {
  const outputs = weight.constant.shape[1] * groups;
  const y = convTranspose2d(
    kit.g,
    asMap(kit, value, order),
    parameter(kit, weight.name, 'as it is', weight.constant, weight.constant.shape, weight.constant.values),
    bias && parameter(kit, bias.name, 'as it is', bias.constant, [outputs], bias.constant.values),
    { ...rest, groups, name: kit.name },
  );
  return asValue(y, order, value.dims.length);
}

export interface Dense {
  readonly weight: Named;
  /** Whether the weights are [inputs, outputs] instead of [outputs, inputs]. */
  readonly transposed: boolean;
  readonly bias?: Named | undefined;
  /** A number that all weights are multiplied by. */
  readonly factor?: number;
  readonly biasFactor?: number;
}

/**
 * Adds a dense layer over the last dimension. If that dimension is the channels, the layer is a 1×1 convolution. If it is a whole flattened map,
 * in any order, the layer is a convolution of the map's size, whose weights are sorted accordingly.
 */
export function dense(kit: Kit, value: Value, { weight, transposed, bias, factor = 1, biasFactor = 1 }: Dense): Value {
  const { tensor, dims } = settled(kit, value);
  const sizes = sizesOf({ tensor });
  const runs = dims.at(-1) ?? [];
  const [a, b] = weight.constant.shape;
  const [inputs, outputs] = transposed ? [a, b] : [b, a];
  if (weight.constant.shape.length !== 2 || sizeOf(runs) !== inputs)
    throw new Unsupported(
      `weights of ${weight.constant.shape.join('×')} for ${sizeOf(runs)} inputs`,
      'if it is the first layer behind flattened maps, the network is for images of one size only: give that (--input-size)',
    );
  const alongChannels = isWhole(runs, 'c', sizes.c);
  const rest = dims.slice(0, -1).flatMap((own) => own.filter(({ axis }) => axis !== 'n'));
  if (!alongChannels && (rest.length > 0 || sizeOf(runs) !== sizes.h * sizes.w * sizes.c)) {
    // The last dimension is neither the channels nor a whole map, so it is moved to the channels.
    const order = orderOf({ dims }, dims.length - 1);
    const moved = asValue(asMap(kit, { tensor, dims }, order), order, dims.length);
    return dense(kit, moved, { weight, transposed, bias, factor, biasFactor });
  }
  const kernel = alongChannels ? [1, 1] : [sizes.h, sizes.w];
  const [kernelHeight, kernelWidth] = kernel;
  const made = () => sorted(weight.constant, transposed, runs, alongChannels ? undefined : sizes, factor);
  const order = runs.map(({ axis, size }) => `${axis}${size}`).join('');
  const x = compact(kit.g, tensor);
  const parts = partsOf(outputs, inputs);
  let all: Float32Array | undefined;
  const layer = (part: Part) => {
    const [from, to] = part;
    const own = parameter(
      kit,
      partName(weight.name, part, parts),
      `dense ${transposed} ${order} ${factor}`,
      weight.constant,
      [to - from, sizes.c, kernelHeight, kernelWidth],
      () => {
        all ??= made();
        return parts.length === 1 ? all : all.subarray(from * inputs, to * inputs);
      },
    );
    const shift =
      bias &&
      parameter(kit, partName(bias.name, part, parts), `bias ${biasFactor}`, bias.constant, [to - from], () =>
        spread(bias.constant, outputs)
          .subarray(from, to)
          .map((one) => one * biasFactor),
      );
    return conv2d(kit.g, x, own, shift, { name: partName(kit.name, part, parts) });
  };
  const y = inParts(kit.g, parts, layer, kit.name);
  return { tensor: y, dims: [...dims.slice(0, -1), whole('c', outputs)] };
}

/** Weights as [outputs, channels, rows, columns]. */
function sorted(
  { values }: Constant,
  transposed: boolean,
  runs: readonly Run[],
  sizes: ReturnType<typeof sizesOf> | undefined,
  factor: number,
): Float32Array {
  const given = values();
  const places = placesOf(runs, sizes ?? { h: 1, w: 1, c: sizeOf(runs) });
  const inputs = places.length;
  const outputs = given.length / inputs;
  const { c, h, w } = sizes ?? { c: inputs, h: 1, w: 1 };
  const result = new Float32Array(given.length);
  // The place of each input in the weights: `places` are counted in [rows, columns, channels], weights are [channels, rows, columns].
  const target = Int32Array.from(places, (place) => (place % c) * h * w + Math.floor(place / c));
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++)
      result[o * inputs + target[i]] = factor * given[transposed ? i * outputs + o : o * inputs + i];
  return result;
}

/** One number for each output; the file may have a single one for all of them. */
export function spread({ values, count }: Constant, outputs: number): Float32Array {
  const given = values();
  if (count !== 1 && count !== outputs) throw new Unsupported(`${count} numbers for ${outputs} channels`);
  return Float32Array.from({ length: outputs }, (_, i) => given[count === 1 ? 0 : i]);
}

/** Adds a pooling over windows. */
export function poolWindows(kit: Kit, value: Value, order: Order, attributes: PoolAttributes): Value {
  const { kernel, stride, padding } = attributes;
  const isNothing = [...kernel, ...stride].every((size) => size === 1) && padding.every((size) => size === 0);
  if (isNothing) return value;
  return asValue(kit.g.apply(windows, [asMap(kit, value, order)], attributes, kit.name), order, value.dims.length);
}

/**
 * Adds a pooling over all positions, whatever dimensions they are in.
 * @param dimensions the dimensions that are pooled
 * @param r sharpness: 0 is the average, Infinity the maximum, other numbers log-sum-exp
 */
export function poolAll(kit: Kit, value: Value, dimensions: readonly number[], r: number, keep: boolean): Value {
  const { tensor, dims } = settled(kit, value);
  const sizes = sizesOf({ tensor });
  const pooled = dimensions.flatMap((dimension) => dims[dimension]);
  const isImages = (runs: readonly Run[]) => runs.length > 0 && runs.every(({ axis }) => axis === 'n');
  const kept = dims.filter((runs, i) => !dimensions.includes(i) && !isImages(runs)).flat();
  const [channels, ...more] = dims.flatMap((runs, i) =>
    runs.length > 0 && !dimensions.includes(i) && !isImages(runs) ? [i] : [],
  );
  const alike = dimensions.length === 2 && more.length === 0 && channels !== undefined;
  const isMap =
    pooled.every(({ axis }) => axis === 'h' || axis === 'w') &&
    kept.every(({ axis }) => axis === 'c') &&
    sizeOf(pooled) === sizes.h * sizes.w;
  if (!isMap && alike) {
    // Rows and columns that lie along other axes are moved, if the value then is a map.
    const n = dims.findIndex(isImages);
    const order = { c: channels, h: dimensions[0], w: dimensions[1], ...(n < 0 ? {} : { n }) };
    const moved = asValue(asMap(kit, value, order), order, dims.length);
    return poolAll(kit, moved, dimensions, r, keep);
  }
  if (!isMap) throw new Unsupported('it reduces other dimensions than all rows and columns');
  const y = sizes.h * sizes.w === 1 ? tensor : kit.g.apply(lsePool, [tensor], { r, onePixel: true }, kit.name);
  const rest = dims.map((runs, i) => (dimensions.includes(i) ? [] : runs));
  return { tensor: y, dims: keep ? rest : rest.filter((_, i) => !dimensions.includes(i)) };
}

/** Adds a batch norm with given statistics. The parameters are γ, β, mean and variance. */
export function normalise(
  kit: Kit,
  value: Value,
  dimension: number,
  parameters: readonly Named[],
  epsilon: number,
): Value {
  const own = settled(kit, value);
  const isChannels = isWhole(own.dims[dimension], 'c', channelCount(own.tensor));
  const order = orderOf(own, dimension);
  const { tensor, dims } = isChannels ? own : asValue(asMap(kit, own, order), order, own.dims.length);
  const channels = channelCount(tensor);
  const [, , , variance] = parameters;
  if (!spread(variance.constant, channels).every((value) => value + epsilon > 0))
    throw new Unsupported('a variance is not above 0');
  const vectors = parameters.map(({ name, constant }) =>
    parameter(kit, name, 'vector', constant, [channels], () => spread(constant, channels)),
  );
  const inputs = [tensor, ...vectors] as unknown as readonly [Tensor, Tensor, Tensor, Tensor, Tensor];
  return { tensor: kit.g.apply(batchNorm, inputs, { epsilon }, kit.name), dims };
}

/** Adds a layer norm over the last dimension, which has to be the channels. */
export function layerNorm(kit: Kit, value: Value, weight: Named, bias: Named, epsilon: number): Value {
  const { tensor, dims } = settled(kit, value);
  const channels = channelCount(tensor);
  if (!isWhole(dims.at(-1) ?? [], 'c', channels))
    throw new Unsupported('it normalises another dimension than channels');
  const vectors = [weight, bias].map(({ name, constant }) =>
    parameter(kit, name, 'vector', constant, [channels], () => spread(constant, channels)),
  );
  const inputs = [compact(kit.g, tensor), ...vectors] as unknown as readonly [Tensor, Tensor, Tensor];
  return { tensor: kit.g.apply(layerNormalisation, inputs, { epsilon }, kit.name), dims };
}
