/** Weights that do not say what they are, or are said to be something else: what holds in the end, and who said it. */

import type { Checkpoint } from '../formats/checkpoint.js';
import {
  formatWeightsMetadata,
  isRayboxWeights,
  isWholeNetwork,
  parseWeightsMetadata,
  type WeightsMetadata,
  weightsFields,
} from '../formats/weights.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import type { Tensor } from '../graph/ir/tensor.js';
import { architectureOf, type FamilyNetwork } from '../nets/architecture.js';
import type { ParametersOf } from '../nets/backbone.js';
import type { CoreOperations } from '../nets/core_operations.js';
import { transformed } from '../nets/describe_network.js';
import { saysTransformInput } from '../nets/file_settings.js';
import { checkIgnore, judgeIgnored } from '../nets/ignored.js';
import type { NetworkFunction, NetworkOutputs } from '../nets/outputs.js';
import { checkParameters } from '../nets/parameters.js';
import { judge, type Known, recogniseWithHead } from '../nets/recognise.js';
import { under, withoutPrefix } from '../nets/tensor_names.js';
import { givenNormalisation } from '../nets/units.js';
import { checkOptions } from '../options.js';
import type { Model, ModelOptions } from './model.js';
import { describeWholeNetwork } from './whole_network.js';

/** What a network adds to a graph. */
export interface Trace {
  readonly graph: GraphBuilder;
  readonly image: Tensor;
  readonly outputs: NetworkOutputs;
}

/** Networks as whoever has the graph makes them: this module is loaded on demand, and what it shares with the core is kept small. */
export interface Networks {
  backboneParameters: ParametersOf;
  networkOf(architecture: FamilyNetwork): NetworkFunction;
  /** @throws InputError for an input that is not square, and for outputs that are missing or of another form. */
  trace(network: NetworkFunction, metadata: WeightsMetadata, images: number): Trace;
  operations: CoreOperations;
}

/** @throws InputError as `modelOf` does. */
export function describeWeights(checkpoint: Checkpoint, options: ModelOptions, networks: Networks): Model {
  const given = givenOf(options);
  checkIgnore(options.ignore);
  const { fields, warnings } = givenNormalisation(given);
  const model = describeAs(checkpoint, options, { ...given, ...fields }, networks);
  return { ...model, warnings: [...warnings, ...model.warnings] };
}

/** @param given the fields of metadata that the caller says, checked as far as they are about themselves */
function describeAs(
  checkpoint: Checkpoint,
  options: ModelOptions,
  given: Partial<WeightsMetadata>,
  networks: Networks,
): Model {
  const isOwn = isRayboxWeights(checkpoint.metadata);
  const architectureSaid = isOwn ? parseWeightsMetadata(checkpoint.metadata).architecture : undefined;
  // A file that brings its graph is of that network, whatever architecture is given: that would contradict it.
  if (options.network !== undefined || [given.architecture, architectureSaid].some(isWhole))
    return describeWholeNetwork(checkpoint, options, given, networks);
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
  const architecture = architectureOf(checked);
  const network = networks.networkOf(architecture);
  const { parameters } = networks.trace(network, checked, 1).graph;
  checkParameters({ tensors }, parameters);
  const { leftOut, warnings } = judge(checkpoint, known, parameters, checked);
  const ignored = judgeIgnored(options.ignore ?? [], checkpoint.tensors, tensors, parameters);
  return {
    network,
    architecture,
    metadata: checked,
    checkpoint: { ...checkpoint, tensors },
    sources,
    leftOut,
    warnings: [...warnings, ...ignored],
  };
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
    ignore: prefix === undefined ? ignore : ignore.map((start) => withoutPrefix(start, prefix)),
    metadata: { ...parseWeightsMetadata(metadata), ...given },
  };
}

const isWhole = (architecture: WeightsMetadata['architecture'] | undefined) =>
  architecture !== undefined && isWholeNetwork({ architecture });
