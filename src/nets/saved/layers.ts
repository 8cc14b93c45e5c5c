/** Compares the settings of layers in a network that was saved whole with those of the network that raybox would run. */

import { InputError } from '../../errors.js';
import type { SavedModule } from '../../formats/weights/checkpoint.js';
import type { Node } from '../../graph/ir/graph.js';
import type { BatchNormAttributes } from '../../ops/layers/batch_norm.js';
import type { Conv2dAttributes } from '../../ops/layers/conv2d.attributes.js';
import type { LayerNormAttributes } from '../../ops/layers/layer_norm.js';
import type { PoolAttributes } from '../../ops/layers/pool.js';
import { isMaximum, layerKind, pairOf } from './classes.js';

/** A setting that differs: its name in PyTorch, its value in the network that would be run, its value in the file. */
type Difference = readonly [setting: string, expected: string, given: string];

/** @throws InputError that names the layer and each setting that differs */
export function checkLayer(name: string, module: SavedModule, node: Node): void {
  if (layerKind(module) !== node.operation.name)
    throw another(name, module, [['class', LAYERS[node.operation.name] ?? node.operation.name, module.type]]);
  const different = differencesOf(module, node);
  if (different.length > 0) throw another(name, module, different);
}

const LAYERS: Readonly<Record<string, string>> = {
  conv2d: 'Conv2d',
  batch_norm: 'BatchNorm2d',
  linear: 'Linear',
  pool: 'MaxPool2d or AvgPool2d',
};

const another = (name: string, { type }: SavedModule, different: readonly Difference[]) =>
  new InputError(`the saved network's layer ${name} differs from that of this family of networks`, {
    expected: different.map(([setting, expected]) => `${setting} ${expected}`).join(', '),
    given: `${type.slice(type.lastIndexOf('.') + 1)} with ${different.map(([setting, , given]) => `${setting} ${given}`).join(', ')}`,
    hint: 'if raybox ran it as the family has it, its results would be wrong',
  });

function differencesOf(module: SavedModule, node: Node): Difference[] {
  switch (node.operation.name) {
    case 'conv2d':
      return convolution(module, node.attributes as Conv2dAttributes, node.inputs[1]!.shape.slice(2));
    case 'batch_norm':
      return statistics(module);
    case 'layer_norm':
      return compare(['eps', (node.attributes as LayerNormAttributes).epsilon, module.settings.eps]);
    case 'pool':
      return pooling(module, node.attributes as PoolAttributes);
    default:
      return [];
  }
}

const text = (value: unknown) => (Array.isArray(value) ? value.join('×') : String(value ?? 'none'));

function compare(...settings: (readonly [name: string, expected: unknown, given: unknown])[]): Difference[] {
  return settings
    .map(([name, expected, given]) => [name, text(expected), text(given)] as const)
    .filter(([, expected, given]) => expected !== given);
}

/** The padding at the top and at the left. In raybox the other two sides may have another padding; in PyTorch they cannot. */
const paddingOf = ([top, left, bottom, right]: Conv2dAttributes['padding']) =>
  top === bottom && left === right ? [top, left] : [top, left, bottom, right];

function convolution(
  { settings }: SavedModule,
  { stride, dilation, padding, groups }: Conv2dAttributes,
  kernel: readonly number[],
) {
  const spread = pairOf(settings.dilation) ?? [1, 1];
  const given =
    settings.padding === 'valid'
      ? [0, 0]
      : settings.padding === 'same'
        ? kernel.map((size, axis) => (spread[axis] * (size - 1)) / 2)
        : pairOf(settings.padding);
  // Without padding, the mode of padding makes no difference.
  const isPadded = padding.some((size) => size > 0);
  return compare(
    ['stride', stride, pairOf(settings.stride)],
    ['padding', paddingOf(padding), given],
    ['dilation', dilation, spread],
    ['groups', groups, settings.groups ?? 1],
    ['padding_mode', 'zeros', isPadded ? (settings.padding_mode ?? 'zeros') : 'zeros'],
    ['transposed', false, settings.transposed ?? false],
  );
}

const statistics = ({ settings }: SavedModule) =>
  compare(['track_running_stats', true, settings.track_running_stats ?? true]);

function pooling(
  module: SavedModule,
  { mode, kernel, stride, dilation, padding, ceilMode, countIncludePad }: PoolAttributes,
) {
  const { settings } = module;
  const size = pairOf(settings.kernel_size);
  const isPadded = padding.some((one) => one > 0);
  return compare(
    ['pooling', mode, isMaximum(module) ? 'max' : 'average'],
    ['kernel_size', kernel, size],
    ['stride', stride, pairOf(settings.stride) ?? size],
    ['padding', paddingOf(padding), pairOf(settings.padding) ?? [0, 0]],
    ['dilation', dilation, pairOf(settings.dilation) ?? [1, 1]],
    ['ceil_mode', ceilMode, settings.ceil_mode ?? false],
    ['divisor_override', 'none', settings.divisor_override],
    ...(mode === 'average' && isPadded
      ? [['count_include_pad', countIncludePad, settings.count_include_pad ?? true] as const]
      : []),
  );
}

/**
 * A layer of the file may have another ε than the network that is run. Variance and ε only occur as their sum, so the difference can be
 * added to the variance. This is that difference.
 */
export function varianceShift({ settings }: SavedModule, { attributes }: Node): number {
  const { epsilon } = attributes as BatchNormAttributes;
  return typeof settings.eps === 'number' && Number.isFinite(settings.eps) ? settings.eps - epsilon : 0;
}
