/**
 * The Python classes that raybox knows in networks that were saved whole. The code of a class is not in the file, so raybox only knows what
 * these compute: PyTorch's own modules, and the networks of torchvision and torchxrayvision with their blocks.
 */

import type { SavedModule, SavedValue } from '../../formats/weights/checkpoint.js';
import type { Activation } from '../../ops/layers/activations.js';

/** torchvision's networks and blocks, of the families that raybox has, and torchxrayvision's classifiers, which are copies of them. */
const NETWORKS =
  /^(torchvision\.(models\.(alexnet|convnext|densenet|efficientnet|googlenet|inception|mnasnet|mobilenet|mobilenetv[23]|regnet|resnet|shufflenetv2|squeezenet|vgg|_utils)|ops\.misc)\.\w+|torchxrayvision\.models\.(DenseNet|ResNet|_Dense(Layer|Block)|_Transition))$/;

/** Classes that do nothing themselves: they pass their input through their parts in order, or only store parts for the class around them. */
const CONTAINERS =
  /^torch\.nn\.(modules\.container\.(Sequential|ModuleList|ModuleDict)|parallel\.\w+\.(DataParallel|DistributedDataParallel))$|^torch\.optim\.swa_utils\.AveragedModel$/;

/** Classes that do not change what a trained network computes, such as dropout, losses and metrics. */
const WITHOUT_EFFECT =
  /^torch\.nn\.modules\.(dropout\.\w+|linear\.Identity|flatten\.Flatten|loss\.\w+)$|^torchvision\.ops\.stochastic_depth\.StochasticDepth$|^torchmetrics\./;

const lastOf = (type: string) => type.slice(type.lastIndexOf('.') + 1);
const isTorch = (type: string) => /^torch\.nn\.(modules|backends)\./.test(type);

export const isContainer = ({ type }: SavedModule) => CONTAINERS.test(type);
export const isSequential = ({ type }: SavedModule) =>
  lastOf(type) === 'Sequential' && isContainer({ type } as SavedModule);
export const isWithoutEffect = ({ type }: SavedModule) => WITHOUT_EFFECT.test(type);
export const isIdentity = ({ type }: SavedModule) => type === 'torch.nn.modules.linear.Identity';
export const isNetworkClass = ({ type }: SavedModule) => NETWORKS.test(type);
export const isSqueezeExcitation = (module: SavedModule) =>
  isNetworkClass(module) && lastOf(module.type) === 'SqueezeExcitation';

/** Inception v3 calls functions for the poolings in its blocks, so the file has no modules for them. */
export const hasPoolingFunctions = ({ type }: SavedModule) => type === 'torchvision.models.inception.Inception3';

/** The module with which torchxrayvision's networks resize images of another size. raybox resizes them before the network. */
export const isResizer = ({ type }: SavedModule, parent: SavedModule | undefined) =>
  type === 'torch.nn.modules.upsampling.Upsample' && parent?.type.startsWith('torchxrayvision.') === true;

/** The kinds of layers whose settings are compared. */
export type LayerKind = 'conv2d' | 'batch_norm' | 'layer_norm' | 'linear' | 'pool' | 'adaptive';

const KINDS: Readonly<Record<string, LayerKind>> = {
  Conv2d: 'conv2d',
  BatchNorm2d: 'batch_norm',
  SyncBatchNorm: 'batch_norm',
  LayerNorm: 'layer_norm',
  Linear: 'linear',
  NonDynamicallyQuantizableLinear: 'linear',
  MaxPool2d: 'pool',
  AvgPool2d: 'pool',
  AdaptiveAvgPool2d: 'adaptive',
  AdaptiveMaxPool2d: 'adaptive',
};

export function layerKind({ type }: SavedModule): LayerKind | undefined {
  const name = lastOf(type);
  if (NETWORKS.test(type))
    return name === 'FrozenBatchNorm2d' ? 'batch_norm' : name === 'LayerNorm2d' ? 'layer_norm' : undefined;
  return isTorch(type) && Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
}

/** Whether a pooling takes the largest value, and not the average. */
export const isMaximum = ({ type }: SavedModule) => /MaxPool2d$/.test(type);

const numberOr = (value: SavedValue | undefined, fallback: number) => (typeof value === 'number' ? value : fallback);

const ACTIVATIONS: Readonly<Record<string, (settings: SavedModule['settings']) => Activation | undefined>> = {
  ReLU: () => ({ kind: 'relu' }),
  ReLU6: () => ({ kind: 'clip', a: 0, b: 6 }),
  LeakyReLU: ({ negative_slope: slope }) => ({ kind: 'leaky_relu', a: numberOr(slope, 0.01) }),
  Hardtanh: ({ min_val: a, max_val: b }) => ({ kind: 'clip', a: numberOr(a, -1), b: numberOr(b, 1) }),
  Sigmoid: () => ({ kind: 'sigmoid' }),
  Tanh: () => ({ kind: 'tanh' }),
  Hardswish: () => ({ kind: 'hard_swish' }),
  SiLU: () => ({ kind: 'silu' }),
  Hardsigmoid: () => ({ kind: 'hard_sigmoid' }),
  GELU: ({ approximate }) => ({ kind: approximate === 'tanh' ? 'gelu_tanh' : 'gelu' }),
};

/** The activation that a module of PyTorch is; undefined for any other. */
export function activationOf({ type, settings }: SavedModule): Activation | undefined {
  const name = lastOf(type);
  return isTorch(type) && Object.hasOwn(ACTIVATIONS, name) ? ACTIVATIONS[name](settings) : undefined;
}

/** Two sizes, which PyTorch stores as one number for both axes or as a pair. */
export function pairOf(value: SavedValue | undefined): readonly [number, number] | undefined {
  if (typeof value === 'number') return [value, value];
  if (!Array.isArray(value) || value.length < 1 || value.length > 2) return undefined;
  const [first, second = first] = value;
  return typeof first === 'number' && typeof second === 'number' ? [first, second] : undefined;
}
