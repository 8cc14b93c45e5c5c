/**
 * Which backbone a checkpoint without metadata holds: family, depth and widths from the names and shapes of its tensors. Layers
 * without parameters leave gaps in the numbering of nn.Sequential, which tell where the poolings are.
 */
import { firstFew, InputError } from '../errors.js';
import {
  type Backbone,
  checkBackbone,
  type GoogLeNet,
  type GoogLeNetLayer,
  type SqueezeNet,
  type Vgg,
} from '../formats/architecture.js';
import { unsupportedFamily } from './foreign.js';
import { isAbout } from './leftover.js';
import { standardBackbone, standardName } from './standard.js';

export type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/**
 * Recognises torchvision's state dicts and those of localizers (backbone under `features.`), at any width and depth.
 * @returns a standard backbone's name where it is one, else its description.
 * @throws InputError where the names are those of no family, of several networks, or a layer cannot be told.
 */
export function inferBackbone(tensors: Shapes): string | Backbone {
  const found = FAMILIES.flatMap(({ mark, read }) => prefixesOf(tensors, mark).map((prefix) => ({ prefix, read })));
  if (found.length > 1)
    throw new InputError('the checkpoint holds several networks', {
      expected: 'one',
      given: found
        .map(({ prefix }) => (prefix === '' ? 'names without a beginning' : `names under ${prefix}`))
        .join(', '),
      hint: `say which with prefix, such as prefix '${found.find(({ prefix }) => prefix !== '')?.prefix ?? ''}'`,
    });
  const backbone = found.length === 1 ? found[0].read(tensors, found[0].prefix) : otherBackbone(tensors);
  return standardName(backbone) ?? checkBackbone(backbone);
}

/** The families whose marks stand in many other networks too: a numbered convolution is all that there is to see. */
function otherBackbone(tensors: Shapes): Backbone {
  const caffe = caffeSqueezenet(tensors);
  if (caffe) return caffe;
  const foreign = unsupportedFamily(tensors.keys());
  if (foreign !== undefined)
    throw new InputError(`the tensors look like ${foreign}, which raybox does not know`, {
      expected: KNOWN,
      given: firstNames(tensors),
    });
  for (const prefix of prefixesOf(tensors, /^(|.*\.)0\.weight$/)) {
    const convolutions = [...tensors].filter(([name, { shape }]) => shape.length === 4 && !isAbout(name, 'head'));
    const isSequential = convolutions.every(
      ([name]) => name.startsWith(prefix) && /^\d+\.weight$/.test(name.slice(prefix.length)),
    );
    if (!isSequential) continue;
    const backbone = alexnet(tensors, prefix) ?? vgg(tensors, prefix);
    if (backbone) return backbone;
  }
  throw new InputError('the checkpoint is of no network that raybox knows', {
    expected: KNOWN,
    given: firstNames(tensors),
    hint: 'where it is one of these under other names, give the architecture in the options',
  });
}

const KNOWN = 'parameters of an AlexNet, GoogLeNet, VGG, ResNet, DenseNet or SqueezeNet under torchvision names';

const firstNames = (tensors: Shapes) =>
  [...tensors.keys()]
    .filter((name) => !name.endsWith('num_batches_tracked'))
    .slice(0, 4)
    .join(', ') || 'no tensors';

/** What stands before the part of a name that marks a family, once for each network in the checkpoint. */
function prefixesOf(tensors: Shapes, mark: RegExp): string[] {
  const found = [...tensors].flatMap(([name, { shape }]) => (shape.length === 4 ? (mark.exec(name)?.[1] ?? []) : []));
  return [...new Set(found)];
}

const named = (prefix: string, usual: string) => (prefix === usual ? {} : { prefix });

/** Outputs, inputs, height and width of a convolution's weights. */
function convolutionShape(tensors: Shapes, name: string): readonly number[] {
  const shape = tensors.get(`${name}.weight`)?.shape;
  if (shape?.length !== 4)
    throw new InputError(`the checkpoint's ${name}.weight is missing or no convolution`, {
      expected: 'four sizes',
      given: shape ? shape.join('×') : namesUnder(tensors, name),
    });
  return shape;
}

/** What stands in a layer's place: a stem of several convolutions, say. */
function namesUnder(tensors: Shapes, name: string): string {
  const names = [...tensors.keys()].filter((one) => one.startsWith(`${name}.`) && !one.endsWith('num_batches_tracked'));
  return firstFew(names, 4) || 'nothing of that name';
}

/** How many names in a row the checkpoint has. */
function countFrom(tensors: Shapes, first: number, name: (index: number) => string): number {
  let index = first;
  while (tensors.has(`${name(index)}.weight`)) index++;
  return index - first;
}

function resnet(tensors: Shapes, prefix: string): Backbone {
  const at = (stage: number, block: number, conv: number) => `${prefix}layer${stage}.${block}.conv${conv}`;
  const block = tensors.has(`${at(1, 0, 3)}.weight`) ? 'bottleneck' : 'basic';
  const stages = Array.from({ length: countFrom(tensors, 1, (stage) => at(stage, 0, 1)) }, (_, index) => index + 1);
  const widths = stages.map((stage) => {
    const [width] = convolutionShape(tensors, at(stage, 0, 1));
    const [, inner] = convolutionShape(tensors, at(stage, 0, 2));
    const outer = block === 'basic' ? width : convolutionShape(tensors, at(stage, 0, 3))[0] / 4;
    if (inner !== width || outer !== width)
      throw new InputError('wide and grouped ResNets (ResNeXt) are not supported', {
        expected: `${width} channels throughout the blocks of ${prefix}layer${stage}`,
        given: `${inner} into its second convolution, ${outer} out of its block`,
      });
    return width;
  });
  const layers = stages.map((stage) => countFrom(tensors, 0, (index) => at(stage, index, 1)));
  const [stem] = convolutionShape(tensors, `${prefix}conv1`);
  return { family: 'resnet', block, layers, widths, stem, ...named(prefix, '') };
}

function densenet(tensors: Shapes, prefix: string): Backbone {
  const at = (block: number, layer: number) => `${prefix}denseblock${block}.denselayer${layer}`;
  const [growthRate] = convolutionShape(tensors, `${at(1, 1)}.conv2`);
  const [between] = convolutionShape(tensors, `${at(1, 1)}.conv1`);
  const count = countFrom(tensors, 1, (block) => `${at(block, 1)}.conv1`);
  const blocks = Array.from({ length: count }, (_, block) =>
    countFrom(tensors, 1, (layer) => `${at(block + 1, layer)}.conv1`),
  );
  const [initialFeatures] = convolutionShape(tensors, `${prefix}conv0`);
  if (between % growthRate !== 0)
    throw new InputError(`the checkpoint's ${at(1, 1)}.conv1 fits no DenseNet`, {
      expected: `a multiple of the growth rate ${growthRate}`,
      given: `${between} channels`,
    });
  const bottleneck = between / growthRate;
  return { family: 'densenet', growthRate, blocks, initialFeatures, bottleneck, ...named(prefix, 'features.') };
}

function inceptionOf(tensors: Shapes, name: string): { inception: number[]; wideKernel?: 5 } {
  const branches = ['branch1', 'branch2.0', 'branch2.1', 'branch3.0', 'branch3.1', 'branch4.1'];
  const shapes = branches.map((branch) => convolutionShape(tensors, `${name}.${branch}.conv`));
  return { inception: shapes.map(([outputs]) => outputs), ...(shapes[4][2] === 5 ? { wideKernel: 5 } : {}) };
}

function googlenet(tensors: Shapes, prefix: string): Backbone {
  const standard = standardBackbone('googlenet') as GoogLeNet;
  const layers = tensors.has(`${prefix}0.conv.weight`)
    ? numberedGoogLeNet(tensors, prefix)
    : standard.layers.map((layer): GoogLeNetLayer => {
        const name = prefix + layer.name;
        if ('inception' in layer) return { name: layer.name!, ...inceptionOf(tensors, name) };
        return 'conv' in layer ? { ...layer, conv: convolutionShape(tensors, `${name}.conv`)[0] } : layer;
      });
  return { family: 'googlenet', layers, ...named(prefix, '') };
}

/** In an nn.Sequential of this family one missing number is a pooling, two are a response normalisation and a pooling. */
function numberedGoogLeNet(tensors: Shapes, prefix: string): GoogLeNetLayer[] {
  const layers: GoogLeNetLayer[] = [];
  const pooling = { maxPool: 3, stride: 2 };
  for (const index of layerNumbers(tensors, prefix, /^(?:branch1\.)?conv\.weight$/)) {
    const gap = index - layers.length;
    if (gap > 2) throw unknownLayers(prefix, layers.length, index - 1);
    if (gap === 2) layers.push({ lrn: 5, alpha: 1e-4, beta: 0.75, k: 1 });
    if (gap > 0) layers.push(pooling);
    const name = `${prefix}${index}`;
    if (tensors.has(`${name}.branch1.conv.weight`)) layers.push(inceptionOf(tensors, name));
    else {
      const [conv, , kernel] = convolutionShape(tensors, `${name}.conv`);
      layers.push({ conv, kernel, ...(index === 0 ? { stride: 2 } : {}) });
    }
  }
  return layers;
}

/** Numbers N, ascending, of names `prefix`N.`rest`. */
function layerNumbers(tensors: Shapes, prefix: string, rest: RegExp): number[] {
  const numbers = [...tensors.keys()].flatMap((name) => {
    const match = name.startsWith(prefix) ? /^(\d{1,4})\.(.*)$/.exec(name.slice(prefix.length)) : null;
    return match && rest.test(match[2]) ? Number(match[1]) : [];
  });
  return numbers.sort((a, b) => a - b);
}

function unknownLayers(prefix: string, first: number, last: number): InputError {
  return new InputError(
    `cannot tell what the layers ${prefix}${first} to ${prefix}${last} are: they have no parameters`,
    {
      hint: 'give the architecture in the options',
    },
  );
}

function squeezenet(tensors: Shapes, prefix: string): Backbone {
  const [conv, , kernel] = convolutionShape(tensors, `${prefix}0`);
  const layers: SqueezeNet['layers'] = [{ conv, kernel, stride: 2 }];
  let next = 2; // after the convolution and its ReLU
  for (const index of layerNumbers(tensors, prefix, /^squeeze\.weight$/)) {
    if (index - next > 1) throw unknownLayers(prefix, next, index - 1);
    if (index > next) layers.push('M');
    layers.push({ fire: fireOf((part) => convolutionShape(tensors, `${prefix}${index}.${part}`)) });
    next = index + 1;
  }
  return { family: 'squeezenet', layers, ...named(prefix, 'features.') };
}

const fireOf = (shape: (part: 'squeeze' | 'expand1x1' | 'expand3x3') => readonly number[]) =>
  (['squeeze', 'expand1x1', 'expand3x3'] as const).map((part) => shape(part)[0]);

/** Names in Caffe models: those of the authors, and those of their compressed weights. */
const CAFFE_NAMES: readonly NonNullable<SqueezeNet['names']>[] = [
  {
    conv: 'conv#',
    squeeze: 'fire#/squeeze1x1',
    expand1x1: 'fire#/expand1x1',
    expand3x3: 'fire#/expand3x3',
  },
  { conv: 'conv#', squeeze: 'fire#/conv1x1_1', expand1x1: 'fire#/conv1x1_2', expand3x3: 'fire#/conv3x3_2' },
];

// Caffe's numbers count no poolings, so they are where the standard network of that first kernel has them.
function caffeSqueezenet(tensors: Shapes): Backbone | undefined {
  const names = CAFFE_NAMES.find(({ squeeze }) => tensors.has(`${squeeze.replace('#', '2')}.weight`));
  if (!names) return undefined;
  const [conv, , kernel] = convolutionShape(tensors, 'conv1');
  const standard = standardBackbone(kernel === 7 ? 'squeezenet1_0' : 'squeezenet1_1');
  if (standard.family !== 'squeezenet') return undefined;
  let module = 0;
  const layers = standard.layers.map((layer): SqueezeNet['layers'][number] => {
    if (layer === 'M') return layer;
    module++;
    if ('conv' in layer) return { ...layer, conv, kernel };
    return { fire: fireOf((part) => convolutionShape(tensors, names[part].replace('#', String(module)))) };
  });
  return { family: 'squeezenet', layers, names };
}

function alexnet(tensors: Shapes, prefix: string): Backbone | undefined {
  if (convolutionShape(tensors, `${prefix}0`)[3] !== 11) return undefined;
  const widths = [0, 3, 6, 8, 10].map((index) => convolutionShape(tensors, `${prefix}${index}`)[0]);
  return { family: 'alexnet', widths, ...named(prefix, 'features.') };
}

/** Behind the last convolution a pooling is taken for granted, as in the standard networks. */
function vgg(tensors: Shapes, prefix: string): Backbone | undefined {
  if (convolutionShape(tensors, `${prefix}0`)[3] !== 3) return undefined;
  const batchNorm = tensors.has(`${prefix}1.running_mean`);
  const layers: Vgg['layers'] = [];
  let next = 0;
  for (const index of layerNumbers(tensors, prefix, /^weight$/)) {
    if (tensors.get(`${prefix}${index}.weight`)!.shape.length !== 4) continue; // a batch norm
    if (index - next > 1) throw unknownLayers(prefix, next, index - 1);
    if (index > next) layers.push('M');
    layers.push(convolutionShape(tensors, `${prefix}${index}`)[0]);
    next = index + (batchNorm ? 3 : 2);
  }
  layers.push('M');
  return { family: 'vgg', layers, batchNorm, ...named(prefix, 'features.') };
}

/** By what a name of each holds that no other network's does. */
const FAMILIES: readonly { mark: RegExp; read: (tensors: Shapes, prefix: string) => Backbone }[] = [
  { mark: /^(|.*\.)layer1\.0\.conv1\.weight$/, read: resnet },
  { mark: /^(|.*\.)denseblock1\.denselayer1\.conv1\.weight$/, read: densenet },
  { mark: /^(|.*\.)(?:inception3a|\d+)\.branch1\.conv\.weight$/, read: googlenet },
  { mark: /^(|.*\.)\d+\.squeeze\.weight$/, read: squeezenet },
];
