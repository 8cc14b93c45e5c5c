/** Resizing: by `resize`, which is fast, if it has the method, otherwise one dimension after the other. */
import { type NearestMode, type ResizeCoordinates, resizePlaces } from '../../ops/general/resize_axis.js';
import { resize as addResize, type ResizeMode } from '../../ops/layers/resize.js';
import { takeAlong } from '../general.js';
import { asMap, asValue, mapsOf, Unsupported, type Value } from '../kit.js';
import { axisOf, type Call, listInput, listOf, map, numberOf, type Operator, shapeOfOperand, textOf } from './call.js';

/** The mode of `resize` that is the same as the node's; undefined if there is none. */
function resizeMode(call: Call, mode: string, isWholeFactor: boolean): ResizeMode | undefined {
  const isOld = call.node.operator === 'Upsample' || call.version < 11;
  const coordinates = isOld ? 'asymmetric' : textOf(call, 'coordinate_transformation_mode', 'half_pixel');
  const nearest = isOld ? 'floor' : textOf(call, 'nearest_mode', 'round_prefer_floor');
  if (mode === 'nearest' && coordinates === 'asymmetric' && nearest === 'floor') return 'nearest';
  // If each pixel becomes a whole number of pixels, the nearest pixel by centres is the same one, and no centre lies halfway between two.
  if (mode === 'nearest' && coordinates === 'half_pixel' && nearest.startsWith('round_') && isWholeFactor)
    return 'nearest';
  if (mode === 'linear' && coordinates === 'align_corners') return 'bilinear_corners';
  if (mode === 'linear' && (coordinates === 'half_pixel' || coordinates === 'pytorch_half_pixel')) return 'bilinear';
  return undefined;
}

/** The factor of each dimension where all that are resized have the same: the largest one with which none exceeds its size, or the smallest. */
function commonFactor(
  policy: string,
  sizes: readonly number[],
  shape: readonly number[],
  axes: readonly number[] = shape.map((_, i) => i),
): number[] {
  if (policy !== 'not_larger' && policy !== 'not_smaller')
    throw new Unsupported(`keep_aspect_ratio_policy ${policy.slice(0, 80)}`);
  const factors = axes.map((i) => sizes[i] / shape[i]);
  const common =
    policy === 'not_larger'
      ? factors.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
      : factors.reduce((a, b) => Math.max(a, b), 0);
  return shape.map((_, i) => (axes.includes(i) ? common : 1));
}

function resize(call: Call): Value {
  const x = map(call);
  const shape = shapeOfOperand(x);
  const isUpsample = call.node.operator === 'Upsample';
  const scalesAt = call.version < 11 ? 1 : 2;
  const axes = listOf(call, 'axes')?.map((axis) => axisOf(axis, 4));
  // Dimensions that are not among the axes keep their size.
  const ofAll = (list: readonly number[] | undefined, kept: (dimension: number) => number) => {
    if (!axes || !list?.length) return list;
    if (list.length !== axes.length) throw new Unsupported(`${list.length} sizes for ${axes.length} axes`);
    return shape.map((_, i) => (axes.includes(i) ? list[axes.indexOf(i)] : kept(i)));
  };
  const scales = ofAll(isUpsample && call.version < 9 ? listOf(call, 'scales') : listInput(call, scalesAt), () => 1);
  const sizes = ofAll(scalesAt === 2 ? listInput(call, 3) : undefined, (i) => shape[i]);
  const policy = textOf(call, 'keep_aspect_ratio_policy', 'stretch');
  const kept = sizes?.length && policy !== 'stretch' ? commonFactor(policy, sizes, shape, axes) : undefined;
  const wanted = kept ? sizes!.map((_, i) => (kept[i] === 1 ? shape[i] : Math.floor(kept[i] * shape[i] + 0.5))) : sizes;
  const given = wanted?.length ? wanted : scales?.map((scale, i) => Math.floor(shape[i] * scale));
  if (given?.length !== shape.length) throw new Unsupported('it has neither sizes nor scales for all dimensions');
  const factors = kept ?? (sizes?.length ? given.map((size, i) => size / shape[i]) : scales!);
  const isWhole = factors.every((factor, i) => Math.abs(shape[i] * factor - given[i]) <= 1e-4);
  const isMap = given[0] === shape[0] && given[1] === shape[1];
  const isWholeFactor = given.every((size, i) => size % shape[i] === 0);
  const kind = textOf(call, 'mode', 'nearest');
  const toOne =
    textOf(call, 'coordinate_transformation_mode', 'half_pixel') === 'pytorch_half_pixel' &&
    given.some((size, i) => size === 1 && shape[i] > 1);
  // Raybox's own antialiased layer leaves out what is beyond the edges, where ONNX repeats the outermost pixel.
  const isFiltered = numberOf(call, 'antialias', 0) === 1 && given.some((size, i) => size < shape[i]);
  const mode = isWhole && isMap && !toOne && !isFiltered ? resizeMode(call, kind, isWholeFactor) : undefined;
  if (!mode) return resizeByAxes(call, x, { kind, given, factors });
  const options = { height: given[2], width: given[3], mode, name: call.kit.name };
  const order = mapsOf(call.kit);
  return asValue(addResize(call.kit.g, asMap(call.kit, x, order), options), order, 4);
}

const COORDINATES = [
  ...[
    'half_pixel',
    'half_pixel_symmetric',
    'pytorch_half_pixel',
    'align_corners',
    'asymmetric',
    'tf_half_pixel_for_nn',
  ],
] as readonly string[];
const NEAREST = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as readonly string[];

/** Resizes one dimension after the other. This supports all of ONNX's methods except the resizing of a part of the map. */
function resizeByAxes(
  call: Call,
  x: Value,
  { kind, given, factors }: { kind: string; given: readonly number[]; factors: readonly number[] },
): Value {
  const isOld = call.node.operator === 'Upsample' || call.version < 11;
  const coordinates = isOld ? 'asymmetric' : textOf(call, 'coordinate_transformation_mode', 'half_pixel');
  const nearest = isOld ? 'floor' : textOf(call, 'nearest_mode', 'round_prefer_floor');
  const isKnown = ['nearest', 'linear', 'cubic'].includes(kind) && COORDINATES.includes(coordinates);
  if (!isKnown || !NEAREST.includes(nearest))
    throw new Unsupported(`it resizes by ${kind}, ${coordinates}${kind === 'nearest' ? `, ${nearest}` : ''}`);
  const shape = shapeOfOperand(x);
  return given.reduce((result, count, dimension) => {
    const size = shape[dimension];
    if (count === size && factors[dimension] === 1) return result;
    if (!(count >= 1 && count <= 65_536)) throw new Unsupported(`a size of ${count}`);
    const places = resizePlaces(size, {
      ...{ count, scale: factors[dimension], mode: kind as 'nearest' },
      // PyTorch and onnxruntime, by which networks are trained and run, align the corners of the result. ONNX's own tests, which are run as they
      // are, align those of a result whose length may have a fraction.
      ...(call.kit.ownImages ? { length: size * factors[dimension] } : {}),
      ...{ coordinates: coordinates as ResizeCoordinates, nearest: nearest as NearestMode },
      cubic: numberOf(call, 'cubic_coeff_a', -0.75),
      excludeOutside: numberOf(call, 'exclude_outside', 0) === 1,
      antialias: numberOf(call, 'antialias', 0) === 1,
    });
    return takeAlong(call.kit, result, dimension, places);
  }, x);
}

export const resizing: Readonly<Record<string, Operator>> = {
  Resize: {
    attributes: [
      ...['mode', 'coordinate_transformation_mode', 'nearest_mode', 'cubic_coeff_a', 'exclude_outside'],
      ...['extrapolation_value', 'antialias', 'axes', 'keep_aspect_ratio_policy'],
    ],
    translate: resize,
  },
  Upsample: { attributes: ['mode', 'scales'], translate: resize },
};
