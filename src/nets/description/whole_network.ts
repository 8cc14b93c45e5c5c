/** Describes weights of a network that is not a backbone with a head. Either the file holds its graph, or the caller gives its function. */
import { InputError } from '../../errors.js';
import type { Checkpoint } from '../../formats/weights/checkpoint.js';
import { inBrief, isGraph } from '../../formats/weights/graph_description.js';
import { HEATMAP_METHODS, type HeatmapMethod } from '../../formats/weights/heatmap_methods.js';
import { POOLING_FIELDS } from '../../formats/weights/poolings.js';
import {
  CUSTOM,
  formatWeightsMetadata,
  isRayboxWeights,
  isWholeNetwork,
  ofCaller,
  parseWeightsMetadata,
  type WeightsMetadata,
} from '../../formats/weights/weights.js';
import type { Warning } from '../../warnings.js';
import type { DescribeOptions, Model } from '../model.js';
import type { NetworkFunction } from '../outputs.js';
import { leftoverOf, refusalOf } from '../recognise/leftover.js';
import { under, withoutPrefix } from '../recognise/tensor_names.js';
import { fileNames } from '../settings/names.js';
import { fileInput } from '../settings/settings.js';
import { type CoreOperations, coreOperations } from '../written/core_operations.js';
import { graphNetwork } from '../written/graph_network.js';
import { refuseOtherOperations, steadyNetwork } from '../written/same_operations.js';
import { assumptionsOf, warningsOfSettings } from './assumptions.js';
import { assumedInput, checkNames, DECISIVE_FIELDS, type Sources, settle } from './describe_network.js';
import { besideGiven } from './given_fields.js';
import { judgeIgnored } from './ignored.js';
import { unnamed } from './input_layouts.js';
import { checkFunction } from './network_option.js';
import { checkParameters } from './parameters.js';
import { type Trace, trace } from './trace.js';

/** Fields of metadata that only a backbone with a head has. A whole network says such things by itself. */
const OF_PARTS = [
  ...['pooling', ...Object.keys(POOLING_FIELDS), 'prediction'],
  ...['transitionChannels', 'transitionKernel', 'transitionActivation'],
];

/** Metadata without the fields that only a backbone with a head has. */
export const withoutParts = (metadata: WeightsMetadata): Partial<WeightsMetadata> =>
  Object.fromEntries(Object.entries(metadata).filter(([field]) => !OF_PARTS.includes(field)));

/** What the file says about its network: metadata that raybox wrote, or the description that the import of another format gave. */
interface FileSays {
  readonly known: WeightsMetadata | undefined;
  readonly imported: Checkpoint['network'];
}

/** @throws InputError if the tensors do not fit the network, or if the given metadata has fields of a backbone with a head */
export function describeWholeNetwork(
  checkpoint: Checkpoint,
  { network: own, prefix, ignore = [], transformInput }: DescribeOptions,
  given: Partial<WeightsMetadata>,
): Model {
  const known = isRayboxWeights(checkpoint.metadata) ? parseWeightsMetadata(checkpoint.metadata) : undefined;
  if (own !== undefined) checkFunction(own);
  const bringsGraph = isGraph(known?.architecture) || checkpoint.network !== undefined;
  refuseParts(given, transformInput, bringsGraph && !own);
  const says: FileSays = { known, imported: own ? undefined : checkpoint.network };
  const graph = own ? undefined : graphOf(says, given);
  const written = own ?? graphNetwork(graph!, coreOperations);
  const tensors = prefix === undefined || checkpoint.taken ? checkpoint.tensors : under(checkpoint.tensors, prefix);

  const { beside, settled } = settling(checkpoint, says, graph ?? CUSTOM, given);
  const built = withNames(written, settled(undefined, 1).metadata);
  const { parameters } = built.graph;
  checkParameters({ tensors }, parameters);
  const classes = built.outputs.logits.shape[1];
  const network = own ? steady(own, built, settled(undefined, 1).metadata) : written;
  const names: ReturnType<typeof fileNames> = known ? {} : fileNames(checkpoint.metadata, classes);
  const { metadata, sources } = settled(names.names, classes);
  checkNames(metadata.classes, classes);
  const told = own ? [] : (says.imported?.warnings ?? known?.told ?? []);
  const checked = checkedMetadata(metadata, built, assumedFields(says, sources, given), told, ofCaller(given));
  const ignored = judgeIgnored(ignore, checkpoint.tensors, tensors, parameters);
  const leftOut = unreadTensors(tensors, parameters, prefix, ignore);
  const found = {
    taken: { ...beside?.taken, ...(names.from ? { classes: names.from } : {}) },
    unused: beside?.unused ?? {},
    ...(names.unfit ? { unfit: names.unfit } : {}),
  };
  const warnings = [
    ...warningsOfSettings(checked, sources, found),
    ...assumptionsOf(checked, 'graph', found),
    ...told,
    ...(says.imported || known?.told || isSigmoid(built) ? [] : [OWN_PROBABILITIES]),
    ...ignored,
  ];
  return { network, metadata: checked, checkpoint: { ...checkpoint, tensors }, sources, leftOut, warnings };
}

/** The graph that the caller gave, or that the file holds. @throws InputError if there is none */
function graphOf({ known, imported }: FileSays, given: Partial<WeightsMetadata>) {
  const graph = [given.architecture, known?.architecture, imported?.graph].find(isGraph);
  if (graph) return graph;
  throw new InputError('these weights are of a network that the file does not hold', {
    hint: 'give the function that builds it, as load(weights, { network })',
  });
}

/**
 * What the file says beside its tensors, and a function that settles the metadata. The number of outputs is only known when the network has been
 * built, so that function is called for building it, and again with the names of the classes.
 */
function settling(
  checkpoint: Checkpoint,
  { known, imported }: FileSays,
  architecture: WeightsMetadata['architecture'],
  given: Partial<WeightsMetadata>,
) {
  const inputChannels = given.inputChannels ?? known?.inputChannels ?? imported?.fields.inputChannels ?? 3;
  const beside = known ? undefined : fileInput(checkpoint.metadata, { family: 'graph' }, inputChannels);
  const file = known && withoutParts(known);
  const settled = (classes: string[] | undefined, outputs: number) => {
    const inFile = besideGiven({ ...beside?.fields, ...imported?.fields, ...file }, given);
    const said = { ...inFile, ...(classes ? { classes } : {}) };
    const assumption = {
      ...assumedInput(inputChannels),
      ...imported?.assumed,
      classes: unnamed(outputs),
      architecture,
    };
    const { metadata, sources } = settle([
      ['given', given],
      ['file', said],
      ['assumed', assumption],
    ]);
    // Nothing was assumed about a graph, or a function of the caller's.
    const { architecture: from, ...others } = sources;
    return { metadata: { ...metadata, architecture }, sources: from === 'given' ? sources : others };
  };
  return { beside, settled };
}

/** The fields of the metadata that no source states for certain. */
function assumedFields({ known, imported }: FileSays, sources: Sources, given: Partial<WeightsMetadata>): string[] {
  const undecided = imported?.undecided ?? [];
  const assumed = [...DECISIVE_FIELDS, ...(known?.assumed ?? []), ...undecided].filter(
    (field) =>
      undecided.includes(field) ||
      sources[field as keyof WeightsMetadata] === 'assumed' ||
      (known?.assumed?.includes(field) && !Object.hasOwn(given, field)),
  );
  return [...new Set(assumed)];
}

/** The metadata as a file of raybox would have it, checked by its rules. */
function checkedMetadata(
  metadata: WeightsMetadata,
  { outputs }: Trace,
  assumed: string[],
  told: readonly Warning[],
  whose: ReturnType<typeof ofCaller>,
): WeightsMetadata {
  const heatmapMethod = outputs.heatmaps ? metadata.heatmapMethod : methodWithoutMaps(metadata);
  return parseWeightsMetadata(
    formatWeightsMetadata(
      {
        ...metadata,
        ...(heatmapMethod ? { heatmapMethod } : {}),
        assumed: assumed.length > 0 ? assumed : undefined,
        // Converted weights have the same network, but no longer show what was said about it.
        told: lasting(told),
      } as WeightsMetadata,
      whose,
    ),
    whose,
  );
}

/** Names of tensors that the network does not read. @throws InputError for those that may belong to another network than this one */
function unreadTensors(
  tensors: Checkpoint['tensors'],
  parameters: Trace['graph']['parameters'],
  prefix: string | undefined,
  ignore: readonly string[],
): readonly string[] {
  const leftover = leftoverOf(tensors, parameters, {
    ...{ family: 'graph', prefix: '' },
    ignore: prefix === undefined ? ignore : ignore.map((start) => withoutPrefix(start, prefix)),
  });
  const refusal = refusalOf(
    { ...leftover, others: [...leftover.backbone, ...leftover.others], backbone: [] },
    parameters,
    'the network',
  );
  if (refusal) throw refusal;
  return leftover.harmless;
}

/** The warnings that stay true if the weights are written to another file; undefined if there are none. */
function lasting(told: readonly Warning[]): Warning[] | undefined {
  const list = told.filter(({ code }) => code !== 'kept-weights' && code !== 'not-kept').slice(0, 64);
  return list.length > 0 ? list.map(({ code, message }) => ({ code, message: message.slice(0, 4_096) })) : undefined;
}

/** A network whose classifier is not linear has no class activation maps. */
function methodWithoutMaps({ heatmapMethod = 'hirescam' }: WeightsMetadata): HeatmapMethod {
  if (heatmapMethod !== 'cam') return heatmapMethod;
  throw new InputError('the network has no class activation maps: its classifier is not linear', {
    expected: `heatmapMethod ${HEATMAP_METHODS.filter((one) => one !== 'cam').join(', ')}: maps from gradients`,
    given: heatmapMethod,
  });
}

function refuseParts(given: Partial<WeightsMetadata>, transformInput: boolean | undefined, hasGraph: boolean): void {
  const part = transformInput ? 'transformInput' : Object.keys(given).find((field) => OF_PARTS.includes(field));
  const { architecture } = given;
  if (part === undefined && (architecture === undefined || isWholeNetwork({ architecture }))) return;
  throw new InputError(`${part ?? 'architecture'} is only for networks that are a backbone with a head`, {
    ...(part === undefined ? { given: inBrief(architecture) } : {}),
    hint: hasGraph
      ? 'the file contains the graph of its network, which says everything about it: leave the option out'
      : 'a whole network says by itself what it does: leave the option out',
  });
}

/**
 * Builds the network. If the input has a wrong size or number of channels, the error comes from one of the network's operations, which knows
 * nothing of images. So the input that the network was built for is added to the message.
 */
function withNames(network: NetworkFunction, metadata: WeightsMetadata): Trace {
  try {
    return trace(network, metadata, 1);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const { inputWidth, inputHeight, inputChannels } = metadata;
    throw new InputError(
      `the network cannot be built for images of ${inputWidth}×${inputHeight}×${inputChannels}: ${error.message}`,
      { cause: error },
    );
  }
}

/** Checks that the function builds the same network for two images, and returns it with the same check for every other number of images. */
function steady(own: NetworkFunction, built: Trace, metadata: WeightsMetadata): NetworkFunction {
  let two: Trace | undefined;
  try {
    two = trace(own, metadata, 2);
  } catch (error) {
    // A network may be for one image at a time. Then it gets images one by one.
    if (!(error instanceof InputError)) throw error;
  }
  if (two) refuseOtherOperations(built, two, Object.values(coreOperations));
  return steadyNetwork(own, built, Object.values(coreOperations));
}

/** Whether the probabilities are the sigmoid of the logits, as in raybox's own networks. */
export const isSigmoid = ({ graph, outputs: { logits, probabilities } }: Trace): boolean =>
  graph.nodes.some(
    ({ operation, inputs, outputs, attributes }) =>
      operation === (coreOperations.activation as unknown) &&
      outputs[0] === probabilities &&
      inputs[0] === logits &&
      (attributes as Parameters<CoreOperations['activation']['flops']>[0]['attributes']).activation.kind === 'sigmoid',
  );

const OWN_PROBABILITIES: Warning = {
  code: 'assumed-network',
  message:
    "The network's probabilities are not the sigmoid of its logits. They are taken as the network gives them, and are refused where they are not from 0 to 1.",
};
