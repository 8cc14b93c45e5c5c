/** The settings of one layer of a Keras model, checked one by one. */
import { InputError } from '../../errors.js';
import { isObject } from '../../formats/checks.js';
import { own } from '../../formats/json.js';
import type { Attribute, Constant } from '../plain.js';
import { type Builder, inShape, numbers, type Step } from './builder.js';

/** A value of the network: its name, and how many dimensions it has. */
export interface LayerValue {
  readonly name: string;
  readonly rank: number;
}

export interface LayerCall {
  readonly builder: Builder;
  readonly step: Step;
  readonly kind: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inputs: readonly LayerValue[];
  /** The name of the layer's output. */
  readonly output: string;
  /** Whether the file was written by Keras 3, in which some defaults differ. */
  readonly isKeras3: boolean;
  /** Weights of the layer by their own names: `kernel`. */
  weight(name: string): Constant | undefined;
  /** Records that the network itself scales the image. */
  rescaled(scale: number): void;
}

/** Adds a layer whose output has the name `call.output`. @returns the rank of the output */
export type Layer = (call: LayerCall) => number;

export const refusal = ({ step }: Pick<LayerCall, 'step'>, why: string, hint?: string): InputError =>
  new InputError(`${step.origin}: ${why}`, hint === undefined ? {} : { hint });

const shown = (given: unknown) => JSON.stringify(given)?.slice(0, 120) ?? 'nothing';

/** A setting, checked by `check`; `otherwise` if it is missing or null. */
function setting<T>(
  call: LayerCall,
  name: string,
  otherwise: T | undefined,
  check: (given: unknown) => given is T,
  what: string,
): T {
  const given = own(call.config, name) ?? otherwise;
  if (check(given)) return given;
  throw refusal(call, `its setting ${name} is ${shown(given)} and not ${what}`);
}

export const numberOf = (call: LayerCall, name: string, otherwise?: number): number =>
  setting(call, name, otherwise, (given): given is number => Number.isFinite(given), 'a number');
export const truthOf = (call: LayerCall, name: string, otherwise: boolean): boolean =>
  setting(call, name, otherwise, (given): given is boolean => typeof given === 'boolean', 'true or false');
export const textOf = (call: LayerCall, name: string, otherwise?: string): string =>
  setting(call, name, otherwise, (given): given is string => typeof given === 'string', 'a text');
export const countOf = (call: LayerCall, name: string, otherwise?: number): number =>
  setting(
    call,
    name,
    otherwise,
    (given): given is number => Number.isSafeInteger(given) && (given as number) >= 1,
    'a whole number from 1 on',
  );
export const wholeOf = (call: LayerCall, name: string, otherwise?: number): number =>
  setting(call, name, otherwise, (given): given is number => Number.isSafeInteger(given), 'a whole number');

/** Whole numbers of a list of at most 16. */
export const listOf = (call: LayerCall, name: string): number[] =>
  setting(
    call,
    name,
    undefined,
    (given): given is number[] =>
      Array.isArray(given) && given.length <= 16 && given.every((one) => Number.isSafeInteger(one)),
    'a list of whole numbers',
  );

/** Sizes along rows and columns, which may be written as one number. */
export function pairOf(call: LayerCall, name: string, otherwise?: number | readonly number[]): [number, number] {
  const given = own(call.config, name) ?? otherwise;
  const list = Array.isArray(given) ? given : [given, given];
  const isSize = (one: unknown): one is number => Number.isSafeInteger(one) && (one as number) >= 1;
  if (list.length === 2 && list.every(isSize)) return [list[0], list[1]];
  throw refusal(call, `its setting ${name} is ${shown(given)} and not two whole numbers`);
}

/** Whether the layer's maps have channels first. */
export function isChannelsFirst(call: LayerCall): boolean {
  const format = textOf(call, 'data_format', 'channels_last');
  if (format === 'channels_first' || format === 'channels_last') return format === 'channels_first';
  throw refusal(call, `data_format ${shown(format)}`);
}

export function paddingOf(call: LayerCall): Record<string, Attribute> {
  const padding = textOf(call, 'padding', 'valid').toLowerCase();
  if (padding === 'valid') return {};
  if (padding === 'same') return { auto_pad: 'SAME_UPPER' };
  throw refusal(call, `padding ${shown(padding)}`);
}

/** The layer's only input. */
export function input(call: LayerCall, rank?: number): LayerValue {
  const [only] = call.inputs;
  if (!only || call.inputs.length > 1) throw refusal(call, `it has ${call.inputs.length} inputs instead of 1`);
  if (rank !== undefined && only.rank !== rank)
    throw refusal(call, `its input has ${only.rank} dimensions instead of ${rank}`, 'raybox runs networks for images');
  return only;
}

/** A dimension counted from the first; a negative one is given counted from the last. */
export function axisOf(call: LayerCall, axis: number, rank: number): number {
  const found = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(found) && found >= 0 && found < rank) return found;
  throw refusal(call, `axis ${axis} of ${rank} dimensions`);
}

/** A required weight of the layer. Its sizes are compared with `shape`, in which undefined stands for any size. */
export function weightOf(call: LayerCall, name: string, shape: readonly (number | undefined)[]): Constant {
  const found = call.weight(name);
  if (!found) throw refusal(call, `its weights ${name} are missing`, 'is the file of the weights that of this model?');
  const fits =
    found.shape.length === shape.length && shape.every((size, i) => size === undefined || size === found.shape[i]);
  if (!fits)
    throw refusal(
      call,
      `its weights ${name} have the shape ${found.shape.join('×')} instead of ${shape.map((size) => size ?? '?').join('×')}`,
    );
  return found;
}

/** Adds a weight under its name in the file. @returns that name */
export const named = (call: LayerCall, what: string, constant: Constant): string =>
  numbers(call.builder, call.step, what, constant);

/** Numbers of a setting: one, or one for each channel. */
export function numbersOf(call: LayerCall, name: string, otherwise: number): readonly number[] {
  const given = own(call.config, name) ?? otherwise;
  const flat = (Array.isArray(given) ? given : [given]).flat(8);
  if (flat.length >= 1 && flat.length <= 4_096 && flat.every((one) => Number.isFinite(one))) return flat as number[];
  throw refusal(call, `its setting ${name} is ${shown(given)} and not numbers`);
}

/** A setting that is itself a layer, a function or a name of one. */
export function functionOf(call: LayerCall, name: string): { kind: string; config: Record<string, unknown> } {
  const given = own(call.config, name) ?? 'linear';
  if (typeof given === 'string') return { kind: given, config: {} };
  if (isObject(given)) {
    // Keras 3 writes functions as { class_name: 'function', config: 'relu' }.
    if (typeof given.config === 'string') return { kind: given.config, config: {} };
    if (typeof given.class_name === 'string')
      return { kind: given.class_name, config: isObject(given.config) ? given.config : {} };
  }
  throw refusal(call, `its setting ${name} is ${shown(given)} and not a function`);
}

/** A weight with one number for each channel as a vector. */
export const flat = (constant: Constant): Constant => inShape(constant, [constant.count]);
