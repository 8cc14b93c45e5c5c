/**
 * Reads weights. A raybox weights file is a safetensors file whose metadata has everything that a network needs besides its tensors. The
 * keys are the names of `WeightsMetadata` in snake case. Lists and maps are stored as JSON, all other values as plain text, so that every
 * safetensors viewer can show them.
 */
import { counted, firstFew, InputError } from '../../errors.js';
import { FORMER_NAMES, refuseFormerNames } from '../../options.js';
import { brief } from '../brief.js';
import { FIELDS, type Field, fault } from './fields.js';
import { isGraph } from './graph_description.js';
import type { WeightsMetadata } from './metadata.js';
import { POOLING_FIELDS } from './poolings.js';

export { weightsFields } from './field_names.js';
export type { WeightsMetadata } from './metadata.js';

export const WEIGHTS_VERSION = 1;

const VERSION_KEY = 'raybox_weights';
const keyOf = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** What messages call the value of a field. */
type Whose = (field: string) => string;
const ofFile: Whose = (field) => `weights: the metadata's ${keyOf(field)}`;

/** For the metadata of a file, some fields of which a caller has replaced: a message must not blame the file for them. */
export const ofCaller =
  (given: object): Whose =>
  (field) =>
    Object.hasOwn(given, field) ? `the option ${field}` : ofFile(field);

/** Whether a file's metadata says that it is a raybox weights file. */
export function isRayboxWeights(metadata: Record<string, string>): boolean {
  return Object.hasOwn(metadata, VERSION_KEY);
}

/** Reads and checks the metadata. Unknown keys are ignored. @throws InputError that names the wrong field */
export function parseWeightsMetadata(strings: Record<string, string>, whose = ofFile): WeightsMetadata {
  if (!isRayboxWeights(strings))
    throw new InputError('weights: the file has no raybox metadata', {
      expected: `the key ${VERSION_KEY}`,
      given: Object.keys(strings).slice(0, 8).join(', ') || 'no metadata',
      hint: 'give the architecture, classes and input in the options',
    });
  if (strings[VERSION_KEY] !== String(WEIGHTS_VERSION))
    throw fault(ofFile(VERSION_KEY), `${WEIGHTS_VERSION}`, strings[VERSION_KEY], 'a newer raybox may read it');
  const metadata: Record<string, unknown> = {};
  for (const [field, { parse, optional }] of Object.entries(FIELDS)) {
    const read = (key: string) =>
      Object.hasOwn(strings, key) ? parse(strings[key], key === keyOf(field) ? whose(field) : ofFile(key)) : undefined;
    const value = readField(field, read);
    if (value !== undefined) metadata[field] = value;
    else if (!optional) throw new InputError(`weights: the metadata lacks ${keyOf(field)}`);
  }
  return checkTogether(metadata as unknown as WeightsMetadata, whose);
}

/** Reads a field by its key, or by the key that it had in earlier versions. @throws InputError if both are there and differ */
function readField(field: string, read: (key: string) => unknown): unknown {
  const value = read(keyOf(field));
  const former = Object.keys(FORMER_NAMES).find((name) => FORMER_NAMES[name] === field);
  const before = former === undefined ? undefined : read(keyOf(former));
  if (value === undefined || before === undefined) return value ?? before;
  const sorted = (map: unknown) => JSON.stringify(Object.entries(map as object).sort(([a], [b]) => (a < b ? -1 : 1)));
  if (sorted(value) !== sorted(before))
    throw fault(ofFile(former!), `the same as ${keyOf(field)}, which it was called before`, 'other values');
  return value;
}

/** The strings of a file's metadata without the keys that fields had in earlier versions. */
export const withoutFormerKeys = (strings: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(strings).filter(([key]) => !Object.keys(FORMER_NAMES).some((name) => keyOf(name) === key)),
  );

/** The strings of a weights file. @throws InputError for metadata that `parseWeightsMetadata` would refuse */
export function formatWeightsMetadata(metadata: WeightsMetadata, whose = ofFile): Record<string, string> {
  refuseFormerNames('weights metadata', metadata);
  const strings: Record<string, string> = { [VERSION_KEY]: String(WEIGHTS_VERSION) };
  for (const field of Object.keys(FIELDS) as Field[]) {
    const value = metadata[field];
    if (value !== undefined)
      strings[keyOf(field)] = typeof value === 'object' ? jsonOf(value, whose(field)) : String(value);
  }
  parseWeightsMetadata(strings, whose);
  return strings;
}

/** Limits for the value of a field: its levels, and the number of values in it. The largest values are descriptions of networks. */
const MAX_NESTING = 8;
const MAX_VALUES = 100_000;

/** The JSON of a value that a caller gives. The limits are checked first, because a value that contains itself would overflow the stack. */
function jsonOf(value: object, what: string): string {
  let level: unknown[] = [value];
  let count = 0;
  for (let depth = 0; level.length > 0; depth++) {
    count += level.length;
    if (depth > MAX_NESTING || count > MAX_VALUES)
      throw fault(what, `at most ${MAX_NESTING} levels and ${MAX_VALUES} values`, 'more of them');
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // JSON cannot represent a bigint, and an object's own `toJSON` may throw.
  }
  if (text === undefined) throw fault(what, 'plain values', brief(value));
  return text;
}

/** Whether `architecture` is a whole network instead of a backbone. */
export const isWholeNetwork = ({ architecture }: Pick<WeightsMetadata, 'architecture'>): boolean =>
  architecture === CUSTOM || isGraph(architecture);

/** The `architecture` of a network that the file does not contain. */
export const CUSTOM = 'custom';

function checkTogether(metadata: WeightsMetadata, whose: Whose): WeightsMetadata {
  const { classes, inputChannels, mean, std, pooling, operatingThresholds = {}, boxRules = {} } = metadata;
  for (const [key, list] of Object.entries({ mean, std }))
    if (list.length !== inputChannels)
      throw fault(whose(key), `${counted(inputChannels, 'number')}, as input_channels says`, brief(list));
  if ((pooling === undefined) !== isWholeNetwork(metadata))
    throw pooling === undefined
      ? new InputError('weights: the metadata lacks pooling')
      : fault(whose('pooling'), 'nothing, as architecture is a whole network', pooling);
  for (const [field, owner] of Object.entries(POOLING_FIELDS)) {
    const value = metadata[field as keyof typeof POOLING_FIELDS];
    if ((pooling === owner) !== (value !== undefined))
      throw fault(whose(field), `a number if, and only if, pooling is ${owner}`, `${value} with pooling ${pooling}`);
  }
  const { transitionChannels, transitionKernel, transitionActivation } = metadata;
  const layer = [transitionChannels, transitionKernel, transitionActivation];
  if (layer.some((field) => field === undefined) && layer.some((field) => field !== undefined))
    throw new InputError('weights: the metadata describes half a transition layer', {
      expected: 'transition_channels, transition_kernel and transition_activation, or none of them',
    });
  for (const [key, byClass] of Object.entries({ operatingThresholds, boxRules }))
    for (const name of Object.keys(byClass))
      if (!classes.includes(name)) throw fault(whose(key), `names of classes: ${firstFew(classes, 20)}`, name);
  return metadata;
}
