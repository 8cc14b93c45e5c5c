/**
 * Describes weights that do not say completely what they are, or for which the caller gives options. The result tells which statement
 * was used for each field, and where it came from.
 */

import { InputError } from '../../errors.js';
import type { Checkpoint } from '../../formats/weights/checkpoint.js';
import { WEIGHTS_FIELDS } from '../../formats/weights/field_names.js';
import {
  formatWeightsMetadata,
  isRayboxWeights,
  isWholeNetwork,
  ofCaller,
  parseWeightsMetadata,
  type WeightsMetadata,
  weightsFields,
} from '../../formats/weights/weights.js';
import { checkOptions } from '../../options.js';
import { architectureOf } from '../architecture.js';
import { backboneParameters } from '../backbone.js';
import type { DescribeOptions, Model } from '../model.js';
import { networkOf } from '../networks.js';
import { wholePreset } from '../presets/index.js';
import { judge, type Known, recognise } from '../recognise/recognise.js';
import { under, withoutPrefix } from '../recognise/tensor_names.js';
import { withTorchvisionHead } from '../recognise/torchvision_heads.js';
import { judgeSaved } from '../saved/modules.js';
import { saysTransformInput } from '../settings/settings.js';
import { givenNormalisation } from '../settings/units.js';
import { transformed } from './describe_network.js';
import { besideGiven } from './given_fields.js';
import { checkIgnore, judgeIgnored } from './ignored.js';
import { checkParameters } from './parameters.js';
import { trace } from './trace.js';
import { describeWholeNetwork } from './whole_network.js';

/** @throws InputError in the same cases as `describe` */
export function describeWeights(checkpoint: Checkpoint, options: DescribeOptions): Model {
  const given = givenOf(options);
  checkIgnore(options.ignore);
  const { fields, warnings } = givenNormalisation(given);
  const model = describeAs(checkpoint, options, { ...given, ...fields });
  return { ...model, warnings: [...warnings, ...model.warnings] };
}

/** @param given the fields of metadata that the caller gave. Each was checked by itself, but not yet together with the file. */
function describeAs(checkpoint: Checkpoint, options: DescribeOptions, given: Partial<WeightsMetadata>): Model {
  const isOwn = isRayboxWeights(checkpoint.metadata);
  const architectureSaid = isOwn ? parseWeightsMetadata(checkpoint.metadata).architecture : undefined;
  // If the file holds a graph, that graph is its network. An architecture that the caller gives would contradict it, and is refused there.
  const { preset } = options;
  if (preset !== undefined && isOwn)
    throw new InputError('a preset cannot be given for weights that describe themselves', {
      expected: 'no preset, or weights that raybox did not write',
      given: `preset ${preset}`,
    });
  if (options.network !== undefined || checkpoint.network || [given.architecture, architectureSaid].some(isWhole))
    return describeWholeNetwork(checkpoint, options, {
      ...(preset === undefined ? {} : wholePreset(preset)),
      ...given,
    });
  const recognised = isOwn ? undefined : recognise(checkpoint, given, backboneParameters, options);
  if (recognised?.headless) {
    const whole = withTorchvisionHead(checkpoint, recognised, given, options.ignore ?? []);
    if (!whole) throw recognised.headless;
    const { architecture: _, ...fields } = given;
    const { prefix: __, ...others } = options;
    return describeWholeNetwork(whole, { ...others, ignore: [...recognised.ignore] }, fields);
  }
  const known = recognised?.metadata
    ? { ...recognised, metadata: recognised.metadata }
    : ownWeights(checkpoint, given, options);
  const { tensors, sources } = known;
  const isTransformed = options.transformInput ?? options.metadata?.transformInput;
  const metadata = isTransformed
    ? transformed(known.metadata, sources, saysTransformInput(checkpoint.metadata))
    : known.metadata;
  const assumed = metadata.assumed?.filter((field) => !Object.hasOwn(given, field));
  // The metadata is written out and read again, so that what the caller gave is checked as strictly as what a file says.
  const whose = ofCaller(given);
  const checked = parseWeightsMetadata(
    formatWeightsMetadata({ ...metadata, assumed: assumed?.length ? assumed : undefined }, whose),
    whose,
  );
  const architecture = architectureOf(checked);
  const network = networkOf(architecture);
  const { parameters, nodes } = trace(network, checked, 1).graph;
  checkParameters({ tensors }, parameters);
  const { leftOut, warnings } = judge(checkpoint, known, parameters, checked);
  const ignored = judgeIgnored(options.ignore ?? [], checkpoint.tensors, tensors, parameters);
  const saved = judgeSaved(checkpoint, {
    ...{ nodes, tensors, prediction: checked.prediction ?? 'head.prediction' },
    ...{ isGiven: given.architecture !== undefined, ignore: options.ignore ?? [] },
  });
  return {
    network,
    architecture,
    metadata: checked,
    checkpoint: { ...checkpoint, tensors: new Map([...tensors, ...saved.tensors]) },
    sources,
    leftOut,
    ...(known.found?.layout ? { layout: known.found.layout } : {}),
    warnings: [...warnings, ...ignored, ...saved.warnings],
  };
}

/** The options that are fields of metadata. @throws InputError for an entry of `metadata` that is not such a field */
function givenOf({ metadata = {}, ...options }: DescribeOptions): Partial<WeightsMetadata> {
  const { transformInput: _, ...fields } = metadata;
  checkOptions('metadata', fields, WEIGHTS_FIELDS);
  const all = [...Object.entries(fields), ...Object.entries(options)];
  return Object.fromEntries(all.filter(([field, value]) => weightsFields.includes(field) && value !== undefined));
}

function ownWeights(
  { tensors, metadata, taken }: Checkpoint,
  given: Partial<WeightsMetadata>,
  { prefix, ignore = [] }: DescribeOptions,
): Known & { metadata: WeightsMetadata } {
  return {
    tensors: prefix === undefined || taken ? tensors : under(tensors, prefix),
    sources: Object.fromEntries(Object.keys(given).map((field) => [field, 'given'])),
    ignore: prefix === undefined ? ignore : ignore.map((start) => withoutPrefix(start, prefix)),
    metadata: { ...besideGiven(parseWeightsMetadata(metadata), given), ...given },
  };
}

const isWhole = (architecture: WeightsMetadata['architecture'] | undefined) =>
  architecture !== undefined && isWholeNetwork({ architecture });
