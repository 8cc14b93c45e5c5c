/** The standard backbones by torchvision's names. */
import { InputError } from '../errors.js';
import type { Backbone, GoogLeNetLayer, ResNet, SqueezeNetLayer } from '../formats/architecture.js';

const STAGES = [64, 128, 256, 512];

const resnet = (block: ResNet['block'], ...layers: number[]): Backbone => ({
  family: 'resnet',
  block,
  layers,
  widths: STAGES,
  stem: 64,
});

const densenet = (...blocks: number[]): Backbone => ({
  family: 'densenet',
  growthRate: 32,
  blocks,
  initialFeatures: 64,
  bottleneck: 4,
});

/** `deep`: how many convolutions the last three stages have. */
const vgg = (deep: 3 | 4, batchNorm: boolean): Backbone => ({
  family: 'vgg',
  layers: [64, 128, 256, 512, 512].flatMap((width, stage) => [
    ...Array(stage < 2 ? 2 : deep).fill(width),
    'M' as const,
  ]),
  batchNorm,
});

const inception = (name: string, ...widths: number[]): GoogLeNetLayer => ({
  name: `inception${name}`,
  inception: widths,
});

const fire = (squeeze: number): SqueezeNetLayer => ({ fire: [squeeze, 4 * squeeze, 4 * squeeze] });

const BACKBONES: Readonly<Record<string, Backbone>> = {
  alexnet: { family: 'alexnet', widths: [64, 192, 384, 256, 256] },
  googlenet: {
    family: 'googlenet',
    layers: [
      { name: 'conv1', conv: 64, kernel: 7, stride: 2 },
      { name: 'maxpool1', maxPool: 3, stride: 2 },
      { name: 'conv2', conv: 64, kernel: 1 },
      { name: 'conv3', conv: 192, kernel: 3 },
      { name: 'maxpool2', maxPool: 3, stride: 2 },
      inception('3a', 64, 96, 128, 16, 32, 32),
      inception('3b', 128, 128, 192, 32, 96, 64),
      { name: 'maxpool3', maxPool: 3, stride: 2 },
      inception('4a', 192, 96, 208, 16, 48, 64),
      inception('4b', 160, 112, 224, 24, 64, 64),
      inception('4c', 128, 128, 256, 24, 64, 64),
      inception('4d', 112, 144, 288, 32, 64, 64),
      inception('4e', 256, 160, 320, 32, 128, 128),
      { name: 'maxpool4', maxPool: 2, stride: 2 },
      inception('5a', 256, 160, 320, 32, 128, 128),
      inception('5b', 384, 192, 384, 48, 128, 128),
    ],
  },
  vgg16: vgg(3, false),
  vgg16_bn: vgg(3, true),
  vgg19: vgg(4, false),
  vgg19_bn: vgg(4, true),
  resnet18: resnet('basic', 2, 2, 2, 2),
  resnet34: resnet('basic', 3, 4, 6, 3),
  resnet50: resnet('bottleneck', 3, 4, 6, 3),
  resnet101: resnet('bottleneck', 3, 4, 23, 3),
  densenet121: densenet(6, 12, 24, 16),
  densenet169: densenet(6, 12, 32, 32),
  squeezenet1_0: {
    family: 'squeezenet',
    layers: [
      { conv: 96, kernel: 7, stride: 2 },
      'M',
      ...[16, 16, 32].map(fire),
      'M',
      ...[32, 48, 48, 64].map(fire),
      'M',
      fire(64),
    ],
  },
  squeezenet1_1: {
    family: 'squeezenet',
    layers: [
      { conv: 64, kernel: 3, stride: 2 },
      'M',
      ...[16, 16].map(fire),
      'M',
      ...[32, 32].map(fire),
      'M',
      ...[48, 48, 64, 64].map(fire),
    ],
  },
};

/** Names of the standard backbones. */
export const backboneNames: readonly string[] = Object.keys(BACKBONES);

/** The description of a standard backbone. */
export function standardBackbone(name: string): Backbone {
  if (!Object.hasOwn(BACKBONES, name))
    throw new InputError(`there is no standard backbone '${name}'`, { expected: backboneNames.join(', ') });
  return BACKBONES[name];
}

/** The name of a description that is a standard one. */
export function standardName(backbone: Backbone): string | undefined {
  const text = JSON.stringify(backbone);
  return backboneNames.find((name) => JSON.stringify(BACKBONES[name]) === text);
}
