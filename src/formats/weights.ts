/**
 * A raybox weights file is a safetensors file whose string metadata says everything that a network needs beside its
 * tensors. Keys are the names of `WeightsMetadata` in snake case, lists and maps as JSON, the rest as plain text, so that
 * any safetensors viewer shows them.
 */
import { counted, InputError } from '../errors.js';
import { FORMER_NAMES, refuseFormerNames } from '../options.js';
import { brief, type Checkpoint } from './checkpoint.js';
import { type GraphDescription, isGraph } from './graph_description.js';
import { readSafetensors } from './safetensors.js';
import { detectFormat } from './signature.js';
import { FIELDS, type Field, fault } from './weights_fields.js';

export { weightsFields } from './weights_fields.js';

export const WEIGHTS_VERSION = 1;

/** A backbone by its family's name and fields, which `src/nets/families` knows: they are checked there, where the network is built. */
export type BackboneDescription = { family: string; [field: string]: unknown };

/** Everything that a weights file says of its network beside the tensors: architecture, classes, input, head, and where it comes from. */
export interface WeightsMetadata {
  /**
   * The backbone: a standard one's name (`resnet50`, `densenet121`, …), or its description. Or the whole network: its graph, or `custom`
   * for one that the file does not hold and that `load` is given as a function.
   */
  architecture: string | BackboneDescription | GraphDescription;
  /** One name per output, in their order. */
  classes: string[];
  /** Size that images are brought to, in pixels. */
  inputWidth: number;
  inputHeight: number;
  /** Channels of the first convolution. Grey images are repeated for 3. */
  inputChannels: 1 | 3;
  channelOrder: 'rgb' | 'bgr';
  /** Per input channel: the network sees `(pixel − mean) / std`, pixels scaled to [0, 1]. */
  mean: number[];
  std: number[];
  /** How an image that has another aspect meets the input size. */
  fit: 'stretch' | 'crop' | 'pad';
  /** The transition layer; all three or, for a network that pools its features as they are, none. */
  transitionChannels?: number;
  transitionKernel?: number;
  transitionActivation?: 'relu' | 'none';
  /** Absent where `architecture` is the whole network. */
  pooling?: 'lse' | 'average' | 'max';
  /** The r of log-sum-exp pooling, larger than 0; only there. */
  lseR?: number;
  /** Name of the prediction layer's parameters where it is not `head.prediction`. */
  prediction?: string;
  /** Probability from which a class counts as found, by class; fitted on a validation split. */
  operatingThresholds?: Record<string, number>;
  /** How a heatmap comes to [0, 255]: from its minimum to its maximum, or from 0 to its maximum. */
  heatmapScaling: 'minmax' | 'relu';
  /** Regions of the cut heatmap that are smaller than this many cells give no box, but for the highest; default 0, as in the paper. */
  minRegion?: number;
  /** What the weights were trained on; `none` for random ones. */
  trainingData: string;
  license: string;
  /** Fields that nobody said and that were assumed when the weights were written: `load` warns of them. */
  assumed?: string[];
}

const VERSION_KEY = 'raybox_weights';
const keyOf = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** True where a file's metadata says that it is a raybox weights file. */
export function isRayboxWeights(metadata: Record<string, string>): boolean {
  return Object.hasOwn(metadata, VERSION_KEY);
}

/** Reads and checks the metadata. Throws an InputError that names the field. Keys that are unknown are left alone. */
export function parseWeightsMetadata(strings: Record<string, string>): WeightsMetadata {
  if (!isRayboxWeights(strings))
    throw new InputError('weights: the file has no raybox metadata', {
      expected: `the key ${VERSION_KEY}`,
      given: Object.keys(strings).slice(0, 8).join(', ') || 'no metadata',
      hint: 'give the architecture, classes and input in the options',
    });
  if (strings[VERSION_KEY] !== String(WEIGHTS_VERSION))
    throw fault(VERSION_KEY, `${WEIGHTS_VERSION}`, strings[VERSION_KEY], 'a newer raybox may read it');
  const metadata: Record<string, unknown> = {};
  for (const [field, { parse, optional }] of Object.entries(FIELDS)) {
    const read = (key: string) => (Object.hasOwn(strings, key) ? parse(strings[key], key) : undefined);
    const value = readField(field, read);
    if (value !== undefined) metadata[field] = value;
    else if (!optional) throw new InputError(`weights: the metadata lacks ${keyOf(field)}`);
  }
  return checkTogether(metadata as unknown as WeightsMetadata);
}

/** A field under its key, or under the key that it had in files of before. @throws InputError where the two differ */
function readField(field: string, read: (key: string) => unknown): unknown {
  const value = read(keyOf(field));
  const former = Object.keys(FORMER_NAMES).find((name) => FORMER_NAMES[name] === field);
  const before = former === undefined ? undefined : read(keyOf(former));
  if (value === undefined || before === undefined) return value ?? before;
  const sorted = (map: unknown) => JSON.stringify(Object.entries(map as object).sort(([a], [b]) => (a < b ? -1 : 1)));
  if (sorted(value) !== sorted(before))
    throw fault(keyOf(former!), `the same as ${keyOf(field)}, which it was called before`, 'other values');
  return value;
}

/** The strings of a file's metadata without keys that a field had before: those of its present key count. */
export const withoutFormerKeys = (strings: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(strings).filter(([key]) => !Object.keys(FORMER_NAMES).some((name) => keyOf(name) === key)),
  );

/** The strings of a weights file. Throws an InputError for what `parseWeightsMetadata` would refuse. */
export function formatWeightsMetadata(metadata: WeightsMetadata): Record<string, string> {
  refuseFormerNames('weights metadata', metadata);
  const strings: Record<string, string> = { [VERSION_KEY]: String(WEIGHTS_VERSION) };
  for (const field of Object.keys(FIELDS) as Field[]) {
    const value = metadata[field];
    if (value !== undefined) strings[keyOf(field)] = typeof value === 'object' ? jsonOf(value, field) : String(value);
  }
  parseWeightsMetadata(strings);
  return strings;
}

/** Values in each other, and values in all, of a field: a description of a network is a list of objects with lists in them. */
const MAX_NESTING = 8;
const MAX_VALUES = 100_000;

/** Programs may hand in anything: what is nested without end would overflow the stack. */
function jsonOf(value: object, field: string): string {
  let level: unknown[] = [value];
  let count = 0;
  for (let depth = 0; level.length > 0; depth++) {
    count += level.length;
    if (depth > MAX_NESTING || count > MAX_VALUES)
      throw fault(keyOf(field), `at most ${MAX_NESTING} levels and ${MAX_VALUES} values`, 'more of them');
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // A number too long for JSON, or an object that does not want to be written.
  }
  if (text === undefined) throw fault(keyOf(field), 'plain values', brief(value));
  return text;
}

/** Whether `architecture` is a whole network instead of a backbone. */
export const isWholeNetwork = ({ architecture }: Pick<WeightsMetadata, 'architecture'>): boolean =>
  architecture === CUSTOM || isGraph(architecture);

/** The architecture of a network that the file does not hold. */
export const CUSTOM = 'custom';

/**
 * Reads weights of any known format, told by content: safetensors, or a torch checkpoint as zip or stream. Names are the file's.
 * @param prefix of the network wanted, which may also be the name of its dict in a torch checkpoint.
 * @throws InputError that says what was given instead.
 */
export async function readCheckpoint(bytes: Uint8Array, prefix?: string): Promise<Checkpoint> {
  const format = detectFormat(bytes);
  // Loaded on demand: a page that brings safetensors needs no unpickler.
  if (format === 'zip' || format === 'torch stream') return (await import('./torch.js')).readTorch(bytes, prefix);
  if (format === 'safetensors') return readSafetensors(bytes);
  throw (await import('./refused_format.js')).noCheckpoint(bytes);
}

function checkTogether(metadata: WeightsMetadata): WeightsMetadata {
  const { classes, inputChannels, mean, std, pooling, lseR, operatingThresholds = {} } = metadata;
  for (const [key, list] of Object.entries({ mean, std }))
    if (list.length !== inputChannels)
      throw fault(key, `${counted(inputChannels, 'number')}, as input_channels says`, brief(list));
  if ((pooling === undefined) !== isWholeNetwork(metadata))
    throw pooling === undefined
      ? new InputError('weights: the metadata lacks pooling')
      : fault('pooling', 'nothing, as architecture is a whole network', pooling);
  if ((pooling === 'lse') !== (lseR !== undefined))
    throw fault('lse_r', 'a number if, and only if, pooling is lse', `${lseR} with pooling ${pooling}`);
  const { transitionChannels, transitionKernel, transitionActivation } = metadata;
  const layer = [transitionChannels, transitionKernel, transitionActivation];
  if (layer.some((field) => field === undefined) && layer.some((field) => field !== undefined))
    throw new InputError('weights: the metadata describes half a transition layer', {
      expected: 'transition_channels, transition_kernel and transition_activation, or none of them',
    });
  for (const name of Object.keys(operatingThresholds))
    if (!classes.includes(name)) throw fault('operating_thresholds', 'names of classes', name);
  return metadata;
}
