/**
 * The one place that decides which network a checkpoint holds. Each field of the description comes from the first of these sources that
 * says something about it: the caller's options, the file's own metadata and settings, a recognised public layout, the names and shapes of
 * tensors. If none of them does, a value is assumed. `sources` records where each field came from.
 *
 * This module is loaded on demand, together with the families of networks, because a page may use a network of its own, or none yet.
 */
import type { Checkpoint } from '../../formats/weights/checkpoint.js';
import { poolsClassMaps } from '../../formats/weights/poolings.js';
import { isRayboxWeights, isWholeNetwork, parseWeightsMetadata, weightsFields } from '../../formats/weights/weights.js';
import { architectureOf } from '../architecture.js';
import type { DescribeOptions, Model } from '../model.js';
import { networkWith } from '../network.js';
import { hasParameters } from './parameter_values.js';
import { trace } from './trace.js';

/**
 * @throws InputError for a network that raybox cannot run exactly as it is. It is never run with a layer left out, since it would then be
 * another network.
 */
export async function describe(checkpoint: Checkpoint, options: DescribeOptions): Promise<Model> {
  const isSilent = ![...DESCRIBING_OPTIONS, ...weightsFields].some((field) => field in options);
  const own = isSilent && isRayboxWeights(checkpoint.metadata) ? await describeOwn(checkpoint) : undefined;
  // Loaded on demand, because weights that raybox wrote describe themselves completely and do not need it.
  const model = own ?? (await (await import('./describe_weights.js')).describeWeights(checkpoint, options));
  if (!model.metadata.heatmapBorder) return model;
  const { withHeatmapBorder } = await import('../head/heatmap_border.js');
  return { ...model, network: withHeatmapBorder(model.network, model.metadata) };
}

/** Options that say something about the weights, besides the fields of metadata. */
const DESCRIBING_OPTIONS = ['metadata', 'transformInput', 'prefix', 'preset', 'ignore', 'network'];

/** Returns undefined if the file has more or fewer tensors than its network, or if its metadata contains assumptions. */
async function describeOwn(checkpoint: Checkpoint): Promise<Model | undefined> {
  const metadata = parseWeightsMetadata(checkpoint.metadata);
  if (metadata.assumed || isWholeNetwork(metadata)) return undefined;
  const architecture = architectureOf(metadata);
  // Loaded on demand, because most weights pool features.
  const maps = poolsClassMaps(architecture.head.pooling) ? await import('../head/map_pooling.js') : undefined;
  const network = networkWith(architecture, maps?.poolClassMaps);
  const { parameters } = trace(network, metadata, 1).graph;
  if (checkpoint.tensors.size > parameters.size || !hasParameters(checkpoint, parameters)) return undefined;
  return { network, architecture, metadata, checkpoint, warnings: [], sources: {}, leftOut: [] };
}
