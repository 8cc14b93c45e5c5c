/** Reads what follows the features of a network that was saved whole: its pooling, and the layers around the prediction layer. */

import { InputError } from '../../errors.js';
import type { Checkpoint, SavedModule } from '../../formats/weights/checkpoint.js';
import {
  activationOf,
  isMaximum,
  isNetworkClass,
  isSequential,
  isSqueezeExcitation,
  isWithoutEffect,
  layerKind,
  pairOf,
} from './classes.js';

type Modules = NonNullable<Checkpoint['modules']>;

export const parentOf = (name: string) => name.slice(0, Math.max(0, name.lastIndexOf('.')));
const inside = (name: string, child: string) => (name === '' ? child : `${name}.${child}`);

/** The poolings of a whole map, without those of squeeze-and-excitation. */
const pooledMaps = (modules: Modules) =>
  [...modules].filter(
    ([name, module]) => layerKind(module) === 'adaptive' && !isSqueezeExcitation(modules.get(parentOf(name)) ?? module),
  );

/**
 * The pooling of the features; undefined if no module shows it. torchvision's networks take the average, unless another pooling was put in
 * its place.
 * @throws InputError for a pooling whose result has more than one number for each channel, and if there are poolings of two kinds
 */
export function savedPooling(modules: Modules): 'average' | 'max' | undefined {
  const pools = pooledMaps(modules);
  const large = pools.find(([, { settings }]) => pairOf(settings.output_size)?.join() !== '1,1');
  if (large)
    throw new InputError(`the saved network's layer ${large[0]} leaves a map`, {
      expected: 'one number of each channel: output_size 1',
      given: `output_size ${String(large[1].settings.output_size ?? 'none')}`,
      hint: 'a class activation map needs one linear layer on one pooled number for each channel',
    });
  const kinds = [...new Set(pools.map(([, module]) => (isMaximum(module) ? 'max' : 'average')))] as const;
  if (kinds.length > 1)
    throw new InputError('the saved network pools its features in two ways', {
      expected: 'the average or the maximum',
      given: pools.map(([name]) => name).join(', '),
    });
  const isKnown = [...modules.values()].some((module) => isNetworkClass(module) && !isSqueezeExcitation(module));
  return kinds[0] ?? (isKnown ? 'average' : undefined);
}

/**
 * Checks the layers that an nn.Sequential has around the prediction layer.
 * @param isBackbone whether a module, or a part of it, is one of the backbone's
 * @param isPositive whether features are never below zero, so that a ReLU changes nothing
 * @throws InputError that names a layer which would change the logits, or turn them into probabilities in another way than a sigmoid
 */
export function checkHead(
  modules: Modules,
  prediction: string,
  isBackbone: (name: string) => boolean,
  isPositive: boolean,
): void {
  for (let name = prediction; name !== ''; name = parentOf(name)) {
    const around = parentOf(name);
    const parent = modules.get(around);
    if (!parent || !isSequential(parent)) continue;
    const own = parent.children.findIndex((child) => inside(around, child) === name);
    const at = (index: number) => inside(around, parent.children[index]);
    for (let index = own + 1; index < parent.children.length; index++) checkBehind(at(index), modules.get(at(index)));
    for (let index = own - 1; index >= 0 && !isBackbone(at(index)); index--)
      checkBefore(at(index), modules.get(at(index)), isPositive);
    if (isBackbone(around)) return;
  }
}

const typeOf = (module: SavedModule | undefined) => module?.type ?? 'none';

function checkBehind(name: string, module: SavedModule | undefined): void {
  if (!module || isWithoutEffect(module) || activationOf(module)?.kind === 'sigmoid') return;
  const isSoftmax = /softmax/i.test(module.type);
  throw new InputError(`the saved network has ${name} behind its prediction layer`, {
    expected: 'nothing, or a sigmoid for each output',
    given: typeOf(module),
    hint: isSoftmax
      ? 'with a softmax an image has exactly one of the classes; raybox decides about each class by itself'
      : 'it changes the outputs of the network',
  });
}

function checkBefore(name: string, module: SavedModule | undefined, isPositive: boolean): void {
  if (!module || isWithoutEffect(module) || layerKind(module) === 'adaptive') return;
  if (isPositive && activationOf(module)?.kind === 'relu') return;
  throw new InputError(`the saved network has ${name} before its prediction layer`, {
    expected: 'one linear layer on pooled features',
    given: typeOf(module),
    hint: 'it changes the outputs of the network, and a class activation map would not show that',
  });
}

/**
 * Checks that a network which was saved whole has torchvision's classifier, whose layers cannot be told by their weights alone.
 * @param modules the names of the classes in `classifier`, in their order
 * @param side to how many rows and columns features are averaged before it
 * @throws InputError that names the module that differs
 */
export function checkClassifier(saved: Modules, { modules, side }: { modules: readonly string[]; side: number }): void {
  const found = [...saved].find(([name, module]) => name.endsWith('classifier') && isSequential(module));
  if (!found) return;
  const [name, { children }] = found;
  const types = children.map(
    (child) =>
      typeOf(saved.get(inside(name, child)))
        .split('.')
        .at(-1)!,
  );
  const text = (list: readonly string[]) => list.filter((type) => type !== 'Identity').join(', ');
  if (text(types) !== text(modules))
    throw new InputError(`the saved network's ${name} differs from torchvision's`, {
      expected: text(modules),
      given: text(types),
      hint: 'export the network to ONNX, which says all that it computes',
    });
  const other = pooledMaps(saved).find(
    ([, module]) => isMaximum(module) || pairOf(module.settings.output_size)?.join() !== `${side},${side}`,
  );
  if (other)
    throw new InputError(`the saved network's ${other[0]} differs from torchvision's`, {
      expected: `AdaptiveAvgPool2d to ${side} × ${side}`,
      given: `${typeOf(other[1]).split('.').at(-1)} to ${String(other[1].settings.output_size)}`,
      hint: 'export the network to ONNX, which says all that it computes',
    });
}
