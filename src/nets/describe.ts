/**
 * The one place that decides what network a checkpoint is of. A field of its description comes from the first of these that says it: what
 * the caller gives, the file's own metadata and settings, a recognised public layout, names and shapes of tensors. What none of them
 * says is assumed. `sources` records which of them said what.
 *
 * Loaded on demand with the families of networks: a page may have a network of its own, or none yet.
 */
import type { Checkpoint } from '../formats/checkpoint.js';
import {
  isRayboxWeights,
  isWholeNetwork,
  parseWeightsMetadata,
  type WeightsMetadata,
  weightsFields,
} from '../formats/weights.js';
import type { Warning } from '../warnings.js';
import { architectureOf, type FamilyNetwork } from './architecture.js';
import type { Backbone } from './backbone.js';
import type { Sources } from './describe_network.js';
import { networkOf } from './network.js';
import type { NetworkFunction } from './outputs.js';
import { hasParameters } from './parameter_values.js';
import type { PublicLayout } from './presets/index.js';
import { trace } from './trace.js';

/**
 * What the file leaves open, or says wrongly: any field of its metadata, which comes before what the file says and before what
 * names and shapes of its tensors show.
 */
export interface DescribeOptions extends Partial<Omit<WeightsMetadata, 'assumed' | 'architecture'>> {
  /** The backbone: a standard one's name (`resnet50`), or its description. Or the whole network: its graph. */
  architecture?: WeightsMetadata['architecture'] | Backbone;
  /** The same fields as one object. Those beside it come first. */
  metadata?: Partial<WeightsMetadata> & { transformInput?: boolean };
  /** A GoogLeNet or Inception v3 with `transform_input`, as torchvision's pretrained ones: turns the normalisation into its own. */
  transformInput?: boolean;
  /** What the names of the network's tensors begin with, or the name of its dict, where the file holds several networks. */
  prefix?: string;
  /**
   * A public checkpoint by its name, `densenet121-res224-nih` say: names of outputs, input and thresholds are then its own, unless they are
   * given. Recognised by itself where its structure is not that of others too.
   */
  preset?: string;
  /** Beginnings of the names of tensors that take no part in the result. Within the backbone nothing is ignored. */
  ignore?: readonly string[];
  /**
   * A network of the caller's own, in place of the one that the file describes. The file's tensors are its parameters; what the file
   * does not say of its classes and its input stands among the other options.
   */
  network?: NetworkFunction;
}

/** A network that is known in full: its function, its tensors, and what its metadata says. */
export interface Model {
  readonly network: NetworkFunction;
  /** Of a network that is a backbone with a head. */
  readonly architecture?: FamilyNetwork;
  readonly metadata: WeightsMetadata;
  readonly checkpoint: Checkpoint;
  /** What the weights do not say, and was assumed. */
  readonly warnings: readonly Warning[];
  /** Where each field of the metadata comes from; what is not listed, from the file. */
  readonly sources: Sources;
  /** The public checkpoint that it is, or of which it has the layout. */
  readonly layout?: Pick<PublicLayout, 'title' | 'marks' | 'citation' | 'candidates'>;
  /** Tensors of the file that take no part in the result: counters, losses, another network's. */
  readonly leftOut: readonly string[];
}

/** @throws InputError for a network that raybox does not run, or not as it is: a layer that is left out makes another one. */
export async function describe(checkpoint: Checkpoint, options: DescribeOptions): Promise<Model> {
  const isSilent = ![...SAYS, ...weightsFields].some((field) => field in options);
  const own = isSilent && isRayboxWeights(checkpoint.metadata) ? describeOwn(checkpoint) : undefined;
  // Loaded on demand: raybox's own weights say what they are, and hold nothing else.
  return own ?? (await import('./describe_weights.js')).describeWeights(checkpoint, options);
}

/** Options beside the fields of metadata that say something of the weights. */
const SAYS = ['metadata', 'transformInput', 'prefix', 'preset', 'ignore', 'network'];

/** Undefined where the file holds more or less than its network, or was written with assumptions. */
function describeOwn(checkpoint: Checkpoint): Model | undefined {
  const metadata = parseWeightsMetadata(checkpoint.metadata);
  if (metadata.assumed || isWholeNetwork(metadata)) return undefined;
  const architecture = architectureOf(metadata);
  const network = networkOf(architecture);
  const { parameters } = trace(network, metadata, 1).graph;
  if (checkpoint.tensors.size > parameters.size || !hasParameters(checkpoint, parameters)) return undefined;
  return { network, architecture, metadata, checkpoint, warnings: [], sources: {}, leftOut: [] };
}
