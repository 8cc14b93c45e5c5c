/** A described network, and the options with which a caller describes it. */
import type { Checkpoint } from '../formats/weights/checkpoint.js';
import type { WeightsMetadata } from '../formats/weights/weights.js';
import type { Warning } from '../warnings.js';
import type { FamilyNetwork } from './architecture.js';
import type { Backbone } from './backbone.js';
import type { Sources } from './description/describe_network.js';
import type { NetworkFunction } from './outputs.js';
import type { PublicLayout } from './presets/index.js';

/**
 * Options with which the caller says what the file leaves open or says wrongly. They may be any field of the metadata, and take
 * precedence over what the file says and what the names and shapes of its tensors show.
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
