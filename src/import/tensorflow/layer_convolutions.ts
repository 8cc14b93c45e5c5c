/** Translates Keras' convolutions and dense layers to ONNX's operators. */
import { activated } from './activations.js';
import { emit, emitMap, inShape, reordered } from './builder.js';
import {
  countOf,
  input,
  isChannelsFirst,
  type Layer,
  type LayerCall,
  type LayerValue,
  named,
  paddingOf,
  pairOf,
  truthOf,
  weightOf,
} from './layer_config.js';

/** The bias, if the layer has one. */
function biasOf(call: LayerCall, outputs: number): string[] {
  if (!truthOf(call, 'use_bias', true)) return [];
  return [named(call, 'bias', weightOf(call, 'bias', [outputs]))];
}

const windowsOf = (call: LayerCall) => ({
  strides: pairOf(call, 'strides', 1),
  dilations: pairOf(call, 'dilation_rate', 1),
  ...paddingOf(call),
});

export const conv2d: Layer = (call) => {
  const x = input(call, 4);
  const [rows, columns] = pairOf(call, 'kernel_size');
  const filters = countOf(call, 'filters');
  const group = countOf(call, 'groups', 1);
  const kernel = weightOf(call, 'kernel', [rows, columns, undefined, filters]);
  const inputs = [x.name, named(call, 'kernel', reordered(kernel, [3, 2, 0, 1])), ...biasOf(call, filters)];
  const isFirst = isChannelsFirst(call);
  const attributes = { ...windowsOf(call), kernel_shape: [rows, columns], group };
  activated(call, emitMap(call.builder, call.step, 'Conv', inputs, attributes, { isFirst }), call.output);
  return 4;
};

/** A filter for each channel alone: [rows, columns, channels, multiplier]. */
function depthwise(call: LayerCall, x: LayerValue, bias: readonly string[]) {
  const [rows, columns] = pairOf(call, 'kernel_size');
  const multiplier = countOf(call, 'depth_multiplier', 1);
  // Keras 3 calls the weights `kernel` where Keras 2 has `depthwise_kernel`.
  const which = call.weight('depthwise_kernel') ? 'depthwise_kernel' : 'kernel';
  const kernel = weightOf(call, which, [rows, columns, undefined, multiplier]);
  const channels = kernel.shape[2];
  const weights = reordered(inShape(kernel, [rows, columns, 1, channels * multiplier]), [3, 2, 0, 1]);
  const inputs = [x.name, named(call, which, weights), ...bias];
  const attributes = { ...windowsOf(call), kernel_shape: [rows, columns], group: channels };
  const y = emitMap(call.builder, call.step, 'Conv', inputs, attributes, { isFirst: isChannelsFirst(call) });
  return { y, outputs: channels * multiplier };
}

export const depthwiseConv2d: Layer = (call) => {
  const x = input(call, 4);
  const bias = truthOf(call, 'use_bias', true) ? [named(call, 'bias', weightOf(call, 'bias', [undefined]))] : [];
  activated(call, depthwise(call, x, bias).y, call.output);
  return 4;
};

export const separableConv2d: Layer = (call) => {
  const x = input(call, 4);
  const { y, outputs } = depthwise(call, x, []);
  const filters = countOf(call, 'filters');
  const kernel = weightOf(call, 'pointwise_kernel', [1, 1, outputs, filters]);
  const inputs = [y, named(call, 'pointwise_kernel', reordered(kernel, [3, 2, 0, 1])), ...biasOf(call, filters)];
  const isFirst = isChannelsFirst(call);
  activated(call, emitMap(call.builder, call.step, 'Conv', inputs, {}, { isFirst }), call.output);
  return 4;
};

export const dense: Layer = (call) => {
  const x = input(call);
  const units = countOf(call, 'units');
  const { builder, step } = call;
  const kernel = named(call, 'kernel', weightOf(call, 'kernel', [undefined, units]));
  const bias = biasOf(call, units);
  let y: string;
  if (x.rank === 2) y = emit(builder, step, 'Gemm', [x.name, kernel, ...bias]);
  else {
    y = emit(builder, step, 'MatMul', [x.name, kernel]);
    if (bias.length > 0) y = emit(builder, step, 'Add', [y, ...bias]);
  }
  activated(call, y, call.output);
  return x.rank;
};
