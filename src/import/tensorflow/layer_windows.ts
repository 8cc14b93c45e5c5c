/** Translates Keras' layers that change the size of maps (pooling, padding, resizing) to ONNX's operators. */
import { own } from '../../formats/json.js';
import { asFirst, emit, emitMap, fromFirst, integers, vector } from './builder.js';
import {
  countOf,
  input,
  isChannelsFirst,
  type Layer,
  type LayerCall,
  named,
  paddingOf,
  pairOf,
  refusal,
  textOf,
  truthOf,
} from './layer_config.js';

export const pool =
  (operator: 'MaxPool' | 'AveragePool'): Layer =>
  (call) => {
    const x = input(call, 4);
    const kernel = pairOf(call, 'pool_size', 2);
    const attributes = { kernel_shape: kernel, strides: pairOf(call, 'strides', kernel), ...paddingOf(call) };
    const isFirst = isChannelsFirst(call);
    emitMap(call.builder, call.step, operator, [x.name], attributes, { output: call.output, isFirst });
    return 4;
  };

export const globalPool =
  (operator: 'ReduceMean' | 'ReduceMax'): Layer =>
  (call) => {
    const x = input(call, 4);
    const keep = truthOf(call, 'keepdims', false);
    const attributes = { axes: isChannelsFirst(call) ? [2, 3] : [1, 2], keepdims: keep ? 1 : 0 };
    emit(call.builder, call.step, operator, [x.name], attributes, call.output);
    return keep ? 4 : 2;
  };

/** Sides as Keras writes them: one number, one for rows and one for columns, or two for each. */
function sidesOf(call: LayerCall, name: string): [top: number, bottom: number, left: number, right: number] {
  const given = own(call.config, name) ?? 1;
  const [rows, columns] = Array.isArray(given) ? given : [given, given];
  const both = (one: unknown) => (Array.isArray(one) ? one : [one, one]);
  const sides = [...both(rows), ...both(columns)];
  if (sides.length === 4 && sides.every((side) => Number.isSafeInteger(side) && side >= 0 && side <= 16_384))
    return sides as [number, number, number, number];
  throw refusal(call, `its setting ${name} is ${JSON.stringify(given).slice(0, 80)}`);
}

export const zeroPadding2d: Layer = (call) => {
  const x = input(call, 4);
  const [top, bottom, left, right] = sidesOf(call, 'padding');
  const inputs = [x.name, named(call, 'pads', integers(0, 0, top, left, 0, 0, bottom, right))];
  const isFirst = isChannelsFirst(call);
  emitMap(call.builder, call.step, 'Pad', inputs, { mode: 'constant' }, { output: call.output, isFirst });
  return 4;
};

export const cropping2d: Layer = (call) => {
  const x = input(call, 4);
  const [top, bottom, left, right] = sidesOf(call, 'cropping');
  const { builder, step } = call;
  const end = (side: number) => (side === 0 ? 2 ** 31 - 1 : -side);
  const lists = [
    [top, left],
    [end(bottom), end(right)],
    [2, 3],
  ];
  const isFirst = isChannelsFirst(call);
  const rest = lists.map((list, i) => named(call, ['starts', 'ends', 'axes'][i], integers(...list)));
  const y = emit(builder, step, 'Slice', [asFirst(builder, step, x.name, isFirst), ...rest]);
  fromFirst(builder, step, y, call.output, isFirst);
  return 4;
};

export const upSampling2d: Layer = (call) => {
  const x = input(call, 4);
  const [rows, columns] = pairOf(call, 'size', 2);
  const mode = textOf(call, 'interpolation', 'nearest');
  if (mode !== 'nearest' && mode !== 'bilinear') throw refusal(call, `interpolation ${mode.slice(0, 40)}`);
  const attributes: Record<string, string> =
    mode === 'nearest'
      ? { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }
      : { mode: 'linear', coordinate_transformation_mode: 'half_pixel' };
  const inputs = [x.name, '', named(call, 'scales', vector([1, 1, rows, columns]))];
  const isFirst = isChannelsFirst(call);
  emitMap(call.builder, call.step, 'Resize', inputs, attributes, { output: call.output, isFirst });
  return 4;
};

/** Bilinear, by the centres of pixels and without a filter, as tf.image.resize. */
export const resizing: Layer = (call) => {
  const x = input(call, 4);
  const mode = textOf(call, 'interpolation', 'bilinear');
  if (mode !== 'bilinear') throw refusal(call, `interpolation ${mode.slice(0, 40)}`);
  for (const name of ['crop_to_aspect_ratio', 'pad_to_aspect_ratio', 'antialias'])
    if (truthOf(call, name, false)) throw refusal(call, `its setting ${name}`);
  const sizes = named(call, 'sizes', integers(countOf(call, 'height'), countOf(call, 'width')));
  const attributes = { mode: 'linear', coordinate_transformation_mode: 'half_pixel', axes: [2, 3] };
  const isFirst = isChannelsFirst(call);
  emitMap(call.builder, call.step, 'Resize', [x.name, '', '', sizes], attributes, { output: call.output, isFirst });
  return 4;
};
