/** Weights that do not say what they are, or are said to be something else: what holds in the end, and who said it. */
import type { Checkpoint } from '../formats/checkpoint.js';
import {
  architectureOf,
  formatWeightsMetadata,
  isRayboxWeights,
  parseWeightsMetadata,
  type WeightsMetadata,
  weightsFields,
} from '../formats/weights.js';
import type { ParametersOf } from '../nets/backbone.js';
import { transformed } from '../nets/describe_network.js';
import { saysTransformInput } from '../nets/file_settings.js';
import { judge, type Known, recogniseWithHead } from '../nets/recognise.js';
import { under } from '../nets/tensor_names.js';
import { checkOptions } from '../options.js';
import type { Model, ModelOptions } from './model.js';

/** What networks read, from whoever has the graph: this module is loaded on demand, and what it shares with the core is kept small. */
export interface Networks {
  backboneParameters: ParametersOf;
  /** @throws InputError for tensors that are missing or of another shape. */
  networkParameters(metadata: WeightsMetadata, tensors: Checkpoint['tensors']): ReadonlyMap<string, unknown>;
}

/** @throws InputError as `modelOf` does. */
export function describeWeights(checkpoint: Checkpoint, options: ModelOptions, networks: Networks): Model {
  const given = givenOf(options);
  const isOwn = isRayboxWeights(checkpoint.metadata);
  const known = isOwn
    ? ownWeights(checkpoint, given, options)
    : recogniseWithHead(checkpoint, given, networks.backboneParameters, options);
  const { tensors, sources } = known;
  const isTransformed = options.transformInput ?? options.metadata?.transformInput;
  const metadata = isTransformed
    ? transformed(known.metadata, sources, saysTransformInput(checkpoint.metadata))
    : known.metadata;
  const assumed = metadata.assumed?.filter((field) => !Object.hasOwn(given, field));
  // Written out and read again, so that what the caller gave is checked as strictly as what a file says.
  const checked = parseWeightsMetadata(
    formatWeightsMetadata({ ...metadata, assumed: assumed?.length ? assumed : undefined }),
  );
  const parameters = networks.networkParameters(checked, tensors);
  const { leftOut, warnings } = judge(checkpoint, known, parameters, checked);
  const architecture = architectureOf(checked);
  return { architecture, metadata: checked, checkpoint: { ...checkpoint, tensors }, sources, leftOut, warnings };
}

/** The fields of metadata among the options, refused where there is no such field. */
function givenOf({ metadata = {}, ...options }: ModelOptions): Partial<WeightsMetadata> {
  const { transformInput: _, ...fields } = metadata;
  checkOptions('metadata', fields, weightsFields);
  const all = [...Object.entries(fields), ...Object.entries(options)];
  return Object.fromEntries(all.filter(([field, value]) => weightsFields.includes(field) && value !== undefined));
}

function ownWeights(
  { tensors, metadata, taken }: Checkpoint,
  given: Partial<WeightsMetadata>,
  { prefix, ignore = [] }: ModelOptions,
): Known & { metadata: WeightsMetadata } {
  return {
    tensors: prefix === undefined || taken ? tensors : under(tensors, prefix),
    sources: Object.fromEntries(Object.keys(given).map((field) => [field, 'given'])),
    ignore,
    metadata: { ...parseWeightsMetadata(metadata), ...given },
  };
}
