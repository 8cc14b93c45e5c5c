/**
 * A checkpoint of a run: a safetensors file with every tensor that is kept from step to step. Its metadata says how far the run has come.
 * Together with the data, it is all that a resumed run needs to end with the same bits as a run without a break. It contains neither times
 * nor paths, so that equal runs give equal files. Its metadata has a checksum of the whole file, because a damaged checkpoint would
 * otherwise lead to wrong weights without any error.
 */

import { InputError } from '../errors.js';
import { brief } from '../formats/brief.js';
import { isObject } from '../formats/checks.js';
import { parseJson } from '../formats/json.js';
import type { TensorData } from '../formats/weights/checkpoint.js';
import { readSafetensors, writeSafetensors } from '../formats/weights/safetensors.js';
import type { Choices, KernelChoices } from '../graph/plan/choices.js';
import type { TrainSettings } from './settings.js';

/** The results of an epoch. */
export interface EpochRecord {
  /** Counted from 1. */
  readonly epoch: number;
  /** Mean loss of its training images, each before the update that it was part of. */
  readonly loss: number;
  /** AUC on the validation images, by class; null if all of them have the class, or none. */
  readonly auc: Readonly<Record<string, number | null>>;
  /** Mean AUC of the classes that have one. */
  readonly meanAuc: number;
}

/** How far a run has come. All random numbers follow from the seed and from this. */
export interface TrainingState {
  /** Finished epochs. */
  epoch: number;
  /** Finished updates of the current epoch. */
  step: number;
  /** Sum of the losses of the current epoch so far. */
  lossSum: number;
  history: readonly EpochRecord[];
}

/** Everything that a run needs to continue with the same bits. */
export interface TrainingCheckpoint {
  readonly settings: TrainSettings;
  readonly state: TrainingState;
  /** Fingerprint of the data, see `fingerprintOf`. */
  readonly data: string;
  /** The name of the adapter. Another one rounds differently. */
  readonly adapter: string;
  /** Parameters by PyTorch's names, and the optimizer's states by names such as `name#velocity`. */
  readonly tensors: ReadonlyMap<string, TensorData>;
  /** The kernel variants that the run has used. Early checkpoints do not have them. */
  readonly kernels?: KernelChoices;
  /** Whether it was read from an early file without a checksum, in which damage is not noticed. */
  readonly unchecked?: true;
}

const VERSION_KEY = 'raybox_checkpoint';
const VERSION = '2';
/** Files of this version have no checksum. */
const UNCHECKED_VERSION = '1';

/** The checksum is the SHA-256 of the file with zeros in place of the digits of the checksum. */
const CHECKSUM_KEY = 'checksum';
const NO_CHECKSUM = '0'.repeat(64);

/** Writes a checkpoint as a safetensors file with a checksum. */
export async function writeCheckpoint({
  settings,
  state,
  data,
  adapter,
  tensors,
  kernels,
}: TrainingCheckpoint): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = writeSafetensors(new Map(tensors), {
    [VERSION_KEY]: VERSION,
    [CHECKSUM_KEY]: NO_CHECKSUM,
    settings: JSON.stringify(settings),
    state: JSON.stringify(state),
    data,
    adapter,
    ...(kernels ? { kernels: JSON.stringify(kernels) } : {}),
  });
  bytes.set(new TextEncoder().encode(await checksumOf(bytes)), placeOfChecksum(bytes));
  return bytes;
}

/**
 * The place of the checksum's digits in the file, or −1 if it has none. The first match is the right one: in the values of other metadata
 * quotes are escaped.
 */
function placeOfChecksum(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < 8 ? 0 : Math.min(Number(view.getBigUint64(0, true)), MAX_HEADER);
  const before = `"${CHECKSUM_KEY}":"`;
  const at = new TextDecoder('latin1').decode(bytes.subarray(8, 8 + length)).indexOf(before);
  return at < 0 ? -1 : 8 + at + before.length;
}

/** The longest header that is searched for the checksum. Reading the file refuses a longer one anyway. */
const MAX_HEADER = 16 << 20;

async function checksumOf(bytes: Uint8Array): Promise<string> {
  const at = placeOfChecksum(bytes);
  const digits = bytes.slice(at, at + NO_CHECKSUM.length);
  bytes.set(new TextEncoder().encode(NO_CHECKSUM).subarray(0, digits.length), at);
  // `digest` copies the bytes before it returns, so the digits can be put back at once.
  const hash = crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  bytes.set(digits, at);
  return Array.from(new Uint8Array(await hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function verify(bytes: Uint8Array): Promise<void> {
  const at = placeOfChecksum(bytes);
  if (at < 0) return; // an early checkpoint, or another kind of file
  const given = new TextDecoder('latin1').decode(bytes.subarray(at, at + NO_CHECKSUM.length));
  if (given !== (await checksumOf(bytes))) throw damaged('its checksum is not that of its bytes');
}

const damaged = (given: string) =>
  new InputError('the checkpoint is damaged', { given, hint: 'an older one, or a copy, is needed' });

/**
 * Reads a file that `writeCheckpoint` has written.
 * @throws InputError for another kind of file, a damaged one, or one whose state makes no sense.
 */
export async function readTrainingCheckpoint(bytes: Uint8Array): Promise<TrainingCheckpoint> {
  await verify(bytes);
  const { tensors, metadata } = readSafetensors(bytes);
  const version = metadata[VERSION_KEY];
  if (version === VERSION && metadata[CHECKSUM_KEY] === undefined) throw damaged('its checksum is missing');
  if (version !== VERSION && version !== UNCHECKED_VERSION) {
    throw new InputError('this is not a checkpoint of a training run', {
      expected: `${VERSION_KEY} ${VERSION}`,
      given: version === undefined ? 'a safetensors file without it' : brief(version),
      hint: version === undefined ? 'weights to start from go into --init' : 'a newer raybox may read it',
    });
  }
  const state = object(metadata, 'state') as unknown as TrainingState;
  const counts = [state.epoch, state.step];
  const whole = counts.every((count) => Number.isSafeInteger(count) && count >= 0);
  if (!whole || !Number.isFinite(state.lossSum) || !Array.isArray(state.history) || !state.history.every(isObject)) {
    throw new InputError('the state of a checkpoint makes no sense', { given: brief(metadata.state) });
  }
  const settings = object(metadata, 'settings') as unknown as TrainSettings;
  const read = {
    ...{ settings, state, data: metadata.data ?? '', adapter: metadata.adapter ?? '', tensors },
    ...(version === UNCHECKED_VERSION ? ({ unchecked: true } as const) : {}),
  };
  return metadata.kernels === undefined ? read : { ...read, kernels: kernelsOf(metadata) };
}

function kernelsOf(metadata: Record<string, string>): KernelChoices {
  const kernels = object(metadata, 'kernels');
  const wrong = Object.values(kernels).find((variant) => typeof variant !== 'string');
  if (wrong === undefined) return kernels as KernelChoices;
  throw new InputError('the kernels of a checkpoint cannot be read', {
    expected: 'names of variants',
    given: brief(wrong),
  });
}

function object(metadata: Record<string, string>, key: string): Record<string, unknown> {
  try {
    const value = parseJson(metadata[key] ?? '', key);
    if (isObject(value)) return value;
  } catch {}
  throw new InputError(`the ${key} of a checkpoint cannot be read`, { given: brief(metadata[key]) });
}

/** The epoch with the best mean validation AUC, and the earliest of equally good ones; undefined before the first. */
export function bestEpoch(history: readonly EpochRecord[]): EpochRecord | undefined {
  let best: EpochRecord | undefined;
  for (const record of history) if (!best || record.meanAuc > best.meanAuc) best = record;
  return best;
}

/**
 * Checks that a checkpoint belongs to a run.
 * @returns a warning if the run can be resumed, but on an adapter that rounds differently.
 * @throws InputError if the data or the settings differ. Only the settings for how long to train may.
 */
export function checkResume(
  checkpoint: TrainingCheckpoint,
  run: { settings: TrainSettings; data: string; adapter: string },
): string | undefined {
  const free = ['epochs', 'patience'];
  const text = (settings: TrainSettings, key: string) => JSON.stringify(settings[key as keyof TrainSettings]);
  const keys = [...new Set([...Object.keys(checkpoint.settings), ...Object.keys(run.settings)])];
  const other = keys.find((key) => !free.includes(key) && text(checkpoint.settings, key) !== text(run.settings, key));
  if (other !== undefined) {
    throw new InputError(`the run to resume has another ${other}`, {
      expected: text(checkpoint.settings, other),
      given: text(run.settings, other),
      hint: 'give the settings that it began with, or begin a new run',
    });
  }
  if (checkpoint.data !== run.data) {
    throw new InputError('the data set has changed since the run began', {
      expected: `images, labels and split with fingerprint ${checkpoint.data}`,
      given: run.data,
      hint: 'bring the data back to what it was, or begin a new run with --init from its weights',
    });
  }
  if (checkpoint.adapter === run.adapter) return undefined;
  return `the run began on ${checkpoint.adapter || 'another adapter'}: on this one its bits will differ`;
}

/** A warning if a resumed run uses other kernels, which may round differently, than before the break. */
export function otherKernels({ kernels }: TrainingCheckpoint, { missing, unknown }: Choices): string | undefined {
  if (!kernels || missing.size + unknown.size === 0) return undefined;
  const [first] = [...missing, ...unknown];
  const which = [
    missing.size > 0 ? `${missing.size} cannot run on this adapter` : '',
    unknown.size > 0 ? `${unknown.size} it does not name` : '',
  ];
  return `some kernels differ from the checkpoint's (${which.filter(Boolean).join(', ')}; the first: ${first}): bits will differ`;
}
