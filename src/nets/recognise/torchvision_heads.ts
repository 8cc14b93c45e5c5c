/**
 * torchvision's classifiers that are not one linear layer on pooled features: those of AlexNet, VGG and MobileNetV3 have hidden layers, that of
 * ConvNeXt normalises the pooled features, that of SqueezeNet has a ReLU before its average. They are run as they are, as networks of which
 * the whole graph is described. Behind hidden layers heatmaps come from gradients; the other two have class activation maps.
 */
import { InputError } from '../../errors.js';
import type { Checkpoint, TensorData } from '../../formats/weights/checkpoint.js';
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import { createGraph, type GraphBuilder } from '../../graph/ir/graph.js';
import { channelCount, type Tensor } from '../../graph/ir/tensor.js';
import { permute } from '../../ops/general/permute.js';
import { reshape } from '../../ops/general/reshape.js';
import { activationOf, relu, sigmoid } from '../../ops/layers/activation.js';
import type { Activation } from '../../ops/layers/activations.js';
import { classActivationMap } from '../../ops/layers/class_activation_map.js';
import { conv2d } from '../../ops/layers/conv2d.js';
import { layerNorm } from '../../ops/layers/layer_norm.js';
import { linear } from '../../ops/layers/linear.js';
import { lsePool, squeeze } from '../../ops/layers/lse_pool.js';
import { averagePool } from '../../ops/layers/pool.js';
import { compact } from '../../ops/packing/compact.js';
import type { Warning } from '../../warnings.js';
import { type Backbone, backboneParameters, buildBackbone, descriptionOf } from '../backbone.js';
import { inParts, type Part, partName, partsOf } from '../head/large_layers.js';
import { lastMap } from '../head/last_map.js';
import { seenBehind } from '../head/seen_behind.js';
import type { NetworkFunction, NetworkOutputs } from '../outputs.js';
import { checkClassifier } from '../saved/head.js';
import { judgeSaved } from '../saved/modules.js';
import { fileInput } from '../settings/settings.js';
import { describeGraph } from '../written/graphs.js';
import type { Recognised } from './recognise.js';
import { familyName } from './recognition.js';

/** A classifier as torchvision has it. */
interface Classifier {
  /** The numbers in `classifier` of the linear layers, or in a SqueezeNet of the convolution. */
  readonly layers: readonly number[];
  /** The numbers of outputs of the hidden layers in torchvision's network. */
  readonly hidden: (backbone: Backbone) => readonly number[];
  /** The number in `classifier` of a layer norm before them. */
  readonly norm?: number;
  /** Features are averaged to this many rows and columns before the classifier. */
  readonly side: number;
  readonly activation: Activation;
  /** The classes of PyTorch's modules in `classifier`. */
  readonly modules: readonly string[];
}

const RELU: Activation = { kind: 'relu' };
const CLASSIFIERS: Partial<Record<Backbone['family'], Classifier>> = {
  alexnet: {
    ...{ layers: [1, 4, 6], hidden: () => [4096, 4096], side: 6, activation: RELU },
    modules: ['Dropout', 'Linear', 'ReLU', 'Dropout', 'Linear', 'ReLU', 'Linear'],
  },
  vgg: {
    ...{ layers: [0, 3, 6], hidden: () => [4096, 4096], side: 7, activation: RELU },
    modules: ['Linear', 'ReLU', 'Dropout', 'Linear', 'ReLU', 'Dropout', 'Linear'],
  },
  mobilenet_v3: {
    ...{ layers: [0, 3], side: 1, activation: { kind: 'hard_swish' } },
    hidden: (backbone) => [(backbone as { blocks: readonly unknown[] }).blocks.length > 11 ? 1280 : 1024],
    modules: ['Linear', 'Hardswish', 'Dropout', 'Linear'],
  },
  convnext: {
    ...{ norm: 0, layers: [2], hidden: () => [], side: 1, activation: RELU },
    modules: ['LayerNorm2d', 'Flatten', 'Linear'],
  },
  squeezenet: {
    ...{ layers: [1], hidden: () => [], side: 1, activation: RELU },
    modules: ['Dropout', 'Conv2d', 'ReLU', 'AdaptiveAvgPool2d'],
  },
};

const EPSILON = 1e-6;
const AVERAGED = 'classifier.average';
const nameOf = (index: number) => `classifier.${index}`;

/**
 * The weights with such a classifier as a network of its own graph; undefined if their head is another one.
 * @param given the fields of metadata that the caller gave
 * @param ignore beginnings of the names of tensors in the file that take no part in the result
 * @throws InputError for a size of images that the classifier cannot have, and if modules that were saved whole differ from torchvision's
 */
export function withTorchvisionHead(
  checkpoint: Checkpoint,
  { tensors, architecture: { backbone: found }, inputChannels }: Recognised,
  given: Partial<WeightsMetadata>,
  ignore: readonly string[],
): Checkpoint | undefined {
  const backbone = descriptionOf(found);
  const classifier = CLASSIFIERS[backbone.family];
  if (!classifier || given.prediction !== undefined || given.pooling !== undefined) return undefined;
  const { channels } = backboneParameters(found);
  const sizes = sizesOf(classifier, tensors, channels);
  if (!sizes) return undefined;
  if (checkpoint.modules) checkClassifier(checkpoint.modules, classifier);
  const { fields } = fileInput(checkpoint.metadata, backbone, inputChannels);
  const { inputWidth: width = fields.inputWidth ?? 224, inputHeight: height = fields.inputHeight ?? width } = given;
  const network: NetworkFunction = (g, image) => {
    const map = buildBackbone(g, found, image);
    if (backbone.family === 'squeezenet') return convolved(g, map, sizes);
    return classifier.norm === undefined ? hidden(g, map, sizes, classifier) : normed(g, map, sizes, classifier);
  };
  const own = withShapes(classifier, tensors, channels);
  const built = createGraph();
  network(built, built.input('image', [1, height, width, inputChannels]));
  // Linear layers became convolutions, whose settings no module has; `checkClassifier` has compared them.
  const compared = [...tensors].filter(([name]) => sizes.length === 1 || !name.startsWith('classifier.'));
  const saved = judgeSaved(checkpoint, {
    ...{
      nodes: built.nodes.filter(({ outputs }) => outputs[0].name !== AVERAGED),
      tensors: new Map(compared),
      prediction: undefined,
    },
    ...{ isGiven: given.architecture !== undefined, ignore },
  });
  const isUsual = sizes.slice(0, -1).join() === classifier.hidden(backbone).join();
  return {
    ...checkpoint,
    ...{ tensors: new Map([...own, ...saved.tensors]), taken: true },
    network: {
      graph: describeGraph(network, { width, height, channels: inputChannels }),
      ...{
        fields: {},
        undecided: [],
        warnings: [...(isUsual ? [] : [otherSizes(backbone, classifier)]), ...saved.warnings],
      },
    },
  };
}

/** The numbers of outputs of the classifier's layers, the classes last; undefined if the tensors belong to another classifier. */
function sizesOf(
  { layers, norm, side }: Classifier,
  tensors: Recognised['tensors'],
  channels: number,
): readonly number[] | undefined {
  const names = [...(norm === undefined ? [] : [norm]), ...layers].flatMap((index) => [
    `${nameOf(index)}.weight`,
    `${nameOf(index)}.bias`,
  ]);
  const own = [...tensors.keys()].filter((name) => name.startsWith('classifier.'));
  if (own.length !== names.length || !names.every((name) => tensors.has(name))) return undefined;
  const sizes: number[] = [];
  let inputs = channels * side * side;
  for (const index of layers) {
    const [outputs, read, ...kernel] = tensors.get(`${nameOf(index)}.weight`)!.shape;
    if (read !== inputs || !kernel.every((size) => size === 1)) return undefined;
    if (tensors.get(`${nameOf(index)}.bias`)!.shape.join() !== `${outputs}`) return undefined;
    sizes.push(outputs);
    inputs = outputs;
  }
  if (norm !== undefined && tensors.get(`${nameOf(norm)}.weight`)!.shape.join() !== `${channels}`) return undefined;
  return sizes;
}

/**
 * The tensors as the graph reads them. A linear layer on a flattened map is a convolution of the map's size; behind a norm, class activation
 * maps have weights of their own.
 */
function withShapes(
  { layers, norm, side }: Classifier,
  tensors: Recognised['tensors'],
  channels: number,
): Map<string, TensorData> {
  const own = new Map(tensors);
  for (const [at, index] of layers.entries()) {
    const name = `${nameOf(index)}.weight`;
    const { shape, data } = tensors.get(name)!;
    if (norm !== undefined) {
      own.set(SEEN, { shape, data: seenBehind(tensors.get(`${nameOf(norm)}.weight`)!.data, data, channels) });
      continue;
    }
    const [outputs, inputs] = shape;
    const kernel = at === 0 ? side : 1;
    const parts = partsOf(outputs, inputs);
    const bias = `${nameOf(index)}.bias`;
    const shift = tensors.get(bias)!;
    for (const one of [name, bias]) own.delete(one);
    for (const part of parts) {
      const [from, to] = part;
      own.set(partName(name, part, parts), {
        shape: [to - from, inputs / kernel ** 2, kernel, kernel],
        data: data.subarray(from * inputs, to * inputs),
      });
      own.set(partName(bias, part, parts), { shape: [to - from], data: shift.data.subarray(from, to) });
    }
  }
  return own;
}

/** The name of the weights of ConvNeXt's class activation maps. */
const SEEN = 'classifier.seen.weight';

/** Hidden layers, which are convolutions of one position. */
function hidden(g: GraphBuilder, map: Tensor, sizes: readonly number[], classifier: Classifier): NetworkOutputs {
  const { layers, side, activation } = classifier;
  let x = averaged(g, compact(g, map), side);
  for (const [at, index] of layers.entries()) {
    const kernel = at === 0 ? side : 1;
    const [input, channels] = [x, channelCount(x)];
    const parts = partsOf(sizes[at], channels * kernel ** 2);
    const layer = (part: Part) => {
      const called = (what: string) => partName(`${nameOf(index)}.${what}`, part, parts);
      const weight = g.parameter(called('weight'), [part[1] - part[0], channels, kernel, kernel]);
      return conv2d(g, input, weight, g.parameter(called('bias'), [part[1] - part[0]]), { name: called('output') });
    };
    x = inParts(g, parts, layer, nameOf(index));
    if (at < layers.length - 1) x = activationOf(g, x, activation, `${nameOf(index)}.activation`);
  }
  const logits = reshape(g, permute(g, x, [0, 3, 1, 2]), [0, -1], 'logits');
  return { features: lastMap(g.nodes, logits), logits, probabilities: sigmoid(g, logits, 'probabilities') };
}

/** As torch's AdaptiveAvgPool2d, for sizes that are multiples of the side: then all windows are of one size. */
function averaged(g: GraphBuilder, x: Tensor, side: number): Tensor {
  if (side === 1) return squeeze(g, x);
  const [, height, width] = x.shape;
  if (height % side !== 0 || width % side !== 0)
    throw new InputError('the classifier cannot be applied to images of this size', {
      expected: `feature maps whose sides are multiples of ${side}, as from images of 224 × 224`,
      given: `${height} × ${width}`,
      hint: 'say another size with inputWidth and inputHeight (--input-size)',
    });
  if (height === side && width === side) return x;
  const kernel = [height / side, width / side] as const;
  return averagePool(g, x, { kernel, stride: kernel, name: AVERAGED });
}

/** ConvNeXt: average, layer norm, one linear layer. */
function normed(
  g: GraphBuilder,
  map: Tensor,
  [classes]: readonly number[],
  { layers, norm }: Classifier,
): NetworkOutputs {
  const features = compact(g, map);
  const x = layerNorm(g, lsePool(g, features, 0), nameOf(norm!), EPSILON);
  const logits = linear(g, x, nameOf(layers[0]), classes);
  const heatmaps = classActivationMap(g, features, g.parameter(SEEN, [classes, channelCount(features)]), 'heatmaps');
  return { features, logits, probabilities: sigmoid(g, logits, 'probabilities'), heatmaps };
}

/** SqueezeNet: the average of a convolution with a ReLU, so that its maps are the heatmaps. */
function convolved(g: GraphBuilder, map: Tensor, [classes]: readonly number[]): NetworkOutputs {
  const x = compact(g, map);
  const weight = g.parameter('classifier.1.weight', [classes, channelCount(x), 1, 1]);
  const features = relu(g, conv2d(g, x, weight, g.parameter('classifier.1.bias', [classes])), 'features');
  const logits = permute(g, lsePool(g, features, 0), [0, 1], 'dense', 'logits');
  const heatmaps = permute(g, features, [0, 3, 1, 2], 'dense', 'heatmaps');
  return { features, logits, probabilities: sigmoid(g, logits, 'probabilities'), heatmaps };
}

const otherSizes = (backbone: Backbone, { modules }: Classifier): Warning => ({
  code: 'assumed-network',
  message: `The classifier's hidden layers are of other sizes than those of torchvision's ${familyName(backbone.family).replace(/^an? /, '')}. That it is the same otherwise (${modules.join(', ')}) was assumed: a file of weights does not show activations.`,
});
