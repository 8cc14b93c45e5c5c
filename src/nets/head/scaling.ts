/**
 * Writes a calibration into a network: logits become slope · logit + offset for each class, and heatmaps are multiplied by the slope, so
 * that they still explain the logits. Which image has the higher score does not change; what changes is that a probability says how often
 * the class is there.
 */
import { InputError } from '../../errors.js';
import type { TensorData } from '../../formats/weights/checkpoint.js';
import { poolsClassMaps } from '../../formats/weights/poolings.js';
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import { binary } from '../../ops/general/binary.js';
import { sigmoid as sigmoidOf } from '../../ops/layers/activation.js';
import { sigmoid } from '../../sigmoid.js';
import { trace } from '../description/trace.js';
import { isSigmoid, withoutParts } from '../description/whole_network.js';
import type { Model } from '../model.js';
import type { NetworkFunction } from '../outputs.js';
import { describeGraph } from '../written/graphs.js';

/** Of a class: its calibrated logit is slope · logit + offset. */
export interface ClassScaling {
  slope: number;
  offset: number;
}

/** A network's tensors and metadata. */
export interface Parts {
  readonly tensors: Map<string, TensorData>;
  readonly metadata: WeightsMetadata;
}

/**
 * The network with a scaling written into it. Stored operating thresholds are scaled too, so that the same images reach them.
 * @param tensors the values of the model's parameters, by name
 * @param scaling by class; classes that it does not have stay as they are
 * @throws InputError for a class that the network does not have, for a slope that is not above 0, since it would turn the order of the
 *   scores around, and for a network whose probabilities are not the sigmoid of its logits
 */
export function withScaling(
  { network, metadata, architecture }: Pick<Model, 'network' | 'metadata' | 'architecture'>,
  tensors: Map<string, TensorData>,
  scaling: Readonly<Record<string, ClassScaling>>,
): Parts {
  const { classes, operatingThresholds } = metadata;
  check(scaling, classes);
  const of = (name: string): ClassScaling => (Object.hasOwn(scaling, name) ? scaling[name] : { slope: 1, offset: 0 });
  const scaled = Object.entries(operatingThresholds ?? {}).map(([name, threshold]) => {
    const { slope, offset } = of(name);
    // Every image reaches the threshold 0, and none the threshold 1, whatever the scaling.
    const isBound = threshold <= 0 || threshold >= 1;
    return [name, isBound ? threshold : sigmoid(slope * Math.log(threshold / (1 - threshold)) + offset)] as const;
  });
  const thresholds = operatingThresholds ? { operatingThresholds: Object.fromEntries(scaled) } : {};
  const each = classes.map(of);
  // If features are pooled, the prediction layer is the last one and linear, so that its rows can take up the scaling.
  if (architecture && !poolsClassMaps(architecture.head.pooling)) {
    const layer = metadata.prediction ?? 'head.prediction';
    return { tensors: scaledLayer(tensors, layer, each), metadata: { ...metadata, ...thresholds } };
  }
  if (!isSigmoid(trace(network, metadata, 1)))
    throw new InputError("the network's probabilities are not the sigmoid of its logits", {
      hint: 'a calibration changes logits, which would then mean something else',
    });
  const { inputHeight: height, inputWidth: width, inputChannels: channels } = metadata;
  const graph = describeGraph(scaledNetwork(network, each), { height, width, channels });
  return { tensors, metadata: { ...withoutParts(metadata), ...thresholds, architecture: graph } as WeightsMetadata };
}

function check(scaling: Readonly<Record<string, ClassScaling>>, classes: readonly string[]): void {
  for (const [name, { slope, offset }] of Object.entries(scaling)) {
    if (!classes.includes(name))
      throw new InputError(`scaling: the network has no class ${name}`, { expected: classes.join(', ') });
    if (!(slope > 0 && Number.isFinite(slope)) || !Number.isFinite(offset))
      throw new InputError(`the scaling of ${name} cannot be used`, {
        expected: 'a slope above 0 and an offset',
        given: `slope ${slope}, offset ${offset}`,
        hint: slope <= 0 ? 'the scores of this class are no better than chance: leave it out' : undefined,
      });
  }
}

/** The linear layer with its rows multiplied by the slopes, and the offsets added to its bias. */
function scaledLayer(tensors: Map<string, TensorData>, layer: string, each: readonly ClassScaling[]) {
  const weight = tensors.get(`${layer}.weight`);
  const bias = tensors.get(`${layer}.bias`);
  if (!weight || !bias) throw new InputError(`scaling: the network has no weight and bias of ${layer}`);
  const width = weight.data.length / each.length;
  return new Map(tensors)
    .set(`${layer}.weight`, {
      ...weight,
      data: weight.data.map((value, i) => value * each[Math.floor(i / width)].slope),
    })
    .set(`${layer}.bias`, { ...bias, data: bias.data.map((value, c) => value * each[c].slope + each[c].offset) });
}

const scaledNetwork =
  (network: NetworkFunction, each: readonly ClassScaling[]): NetworkFunction =>
  (g, image) => {
    const { features, logits, heatmaps } = network(g, image);
    const vector = (name: string, shape: readonly number[], data: readonly number[]) =>
      g.constant(name, { shape, layout: 'dense', type: 'f32' }, [...data]);
    const slopes = each.map(({ slope }) => slope);
    const slope = vector('slopes', [each.length], slopes);
    const offset = vector(
      'offsets',
      [each.length],
      each.map((one) => one.offset),
    );
    const scaled = binary(g, binary(g, logits, slope, 'mul'), offset, 'add', 'calibrated');
    const maps = heatmaps && binary(g, heatmaps, vector('slopes of maps', [each.length, 1, 1], slopes), 'mul');
    return { features, logits: scaled, probabilities: sigmoidOf(g, scaled, 'probabilities'), heatmaps: maps };
  };
