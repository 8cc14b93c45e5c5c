/**
 * The one place that decides which network a checkpoint holds. Each field of the description comes from the first of these sources that
 * says something about it: the caller's options, the file's own metadata and settings, a recognised public layout, the names and shapes of
 * tensors. If none of them does, a value is assumed. `sources` records where each field came from.
 *
 * This module is loaded on demand, together with the families of networks, because a page may use a network of its own, or none yet.
 */
import type { Checkpoint } from '../formats/weights/checkpoint.js';
import { poolsClassMaps } from '../formats/weights/poolings.js';
import {
  isRayboxWeights,
  isWholeNetwork,
  parseWeightsMetadata,
  type WeightsMetadata,
  weightsFields,
} from '../formats/weights/weights.js';
import type { Warning } from '../warnings.js';
import { architectureOf, type FamilyNetwork } from './architecture.js';
import type { Backbone } from './backbone.js';
import type { Sources } from './describe_network.js';
import { networkWith } from './network.js';
import type { NetworkFunction } from './outputs.js';
import { hasParameters } from './parameter_values.js';
import type { PublicLayout } from './presets/index.js';
import { trace } from './trace.js';

/**
 * Options with which the caller says what the file leaves open or says wrongly. They may be any field of the metadata, and come before what
 * the file says and what the names and shapes of its tensors show.
 */
export interface DescribeOptions extends Partial<Omit<WeightsMetadata, 'assumed' | 'told' | 'architecture'>> {
  /** The backbone, as the name of a standard one (`resnet50`) or a description; or the whole network, as a graph. */
  architecture?: WeightsMetadata['architecture'] | Backbone;
  /** The same fields in one object. If a field is also given outside it, the one outside counts. */
  metadata?: Partial<WeightsMetadata> & { transformInput?: boolean };
  /**
   * Whether a GoogLeNet or Inception v3 was trained with `transform_input`, like torchvision's pretrained ones. The normalisation then
   * includes that step.
   */
  transformInput?: boolean;
  /** If the file holds several networks: what the names of the right one's tensors begin with, or the name of its dict. */
  prefix?: string;
  /**
   * The name of a public checkpoint, such as `densenet121-res224-nih`. Names of outputs, normalisation of the input and thresholds are then
   * those of that checkpoint, unless the caller gives others. Not needed if no other public checkpoint has the same structure.
   */
  preset?: string;
  /** Beginnings of the names of tensors that do not affect the result. Tensors of the backbone cannot be ignored. */
  ignore?: readonly string[];
  /**
   * A network of the caller's own, instead of the one that the file describes. Its parameters are the file's tensors. If the file does not
   * describe its classes and its input, the other options have to.
   */
  network?: NetworkFunction;
}

/** A network of which everything is known: its function, its tensors and its metadata. */
export interface Model {
  readonly network: NetworkFunction;
  /** Only set for a network that consists of a backbone and a head. */
  readonly architecture?: FamilyNetwork;
  readonly metadata: WeightsMetadata;
  readonly checkpoint: Checkpoint;
  /** What was assumed because the weights do not say it. */
  readonly warnings: readonly Warning[];
  /** Where each field of the metadata came from. Fields that are not listed came from the file. */
  readonly sources: Sources;
  /** The public checkpoint that was recognised, or whose layout the file has. */
  readonly layout?: Pick<PublicLayout, 'title' | 'marks' | 'citation' | 'candidates'>;
  /** Tensors of the file that do not affect the result, such as counters, losses, or those of another network. */
  readonly leftOut: readonly string[];
}

/**
 * @throws InputError for a network that raybox cannot run exactly as it is. It is never run with a layer left out, since it would then be
 * another network.
 */
export async function describe(checkpoint: Checkpoint, options: DescribeOptions): Promise<Model> {
  const isSilent = ![...SAYS, ...weightsFields].some((field) => field in options);
  const own = isSilent && isRayboxWeights(checkpoint.metadata) ? await describeOwn(checkpoint) : undefined;
  // Loaded on demand, because weights that raybox wrote describe themselves completely and do not need it.
  return own ?? (await import('./describe_weights.js')).describeWeights(checkpoint, options);
}

/** Options that say something about the weights, besides the fields of metadata. */
const SAYS = ['metadata', 'transformInput', 'prefix', 'preset', 'ignore', 'network'];

/** Returns undefined if the file has more or fewer tensors than its network, or if its metadata contains assumptions. */
async function describeOwn(checkpoint: Checkpoint): Promise<Model | undefined> {
  const metadata = parseWeightsMetadata(checkpoint.metadata);
  if (metadata.assumed || isWholeNetwork(metadata)) return undefined;
  const architecture = architectureOf(metadata);
  // Loaded on demand, because most weights pool features.
  const maps = poolsClassMaps(architecture.head.pooling) ? await import('./map_pooling.js') : undefined;
  const network = networkWith(architecture, maps?.poolClassMaps);
  const { parameters } = trace(network, metadata, 1).graph;
  if (checkpoint.tensors.size > parameters.size || !hasParameters(checkpoint, parameters)) return undefined;
  return { network, architecture, metadata, checkpoint, warnings: [], sources: {}, leftOut: [] };
}
