/** The fields of a weights file's metadata, and how each is read from its text. */
import { InputError } from '../../errors.js';
import { FORMER_NAMES } from '../../options.js';
import { brief } from '../brief.js';
import { isObject } from '../checks.js';
import { areHeatThresholds, type BoxRule, MAX_HEAT_THRESHOLDS } from '../heat_thresholds.js';
import { parseJson } from '../json.js';
import { isProbability } from '../operating_thresholds.js';
import type { GraphDescription } from './graph_description.js';
import { HEATMAP_METHODS } from './heatmap_methods.js';
import type { BackboneDescription, WeightsMetadata } from './metadata.js';
import { POOLINGS } from './poolings.js';

export type Field = keyof WeightsMetadata;
type Parse = (text: string, key: string) => unknown;

/** All fields. The texts are checked strictly, because a file may come from anybody. */
export const FIELDS: Record<Field, { parse: Parse; optional?: true }> = {
  architecture: { parse: architecture },
  classes: { parse: classNames },
  inputWidth: { parse: size },
  inputHeight: { parse: size },
  inputChannels: { parse: (text, key) => Number(oneOf('1', '3')(text, key)) },
  channelOrder: { parse: oneOf('rgb', 'bgr') },
  mean: { parse: numbers(Number.isFinite, 'a JSON list of numbers') },
  std: { parse: numbers((value) => Number.isFinite(value) && value > 0, 'a JSON list of numbers above 0') },
  fit: { parse: oneOf('stretch', 'crop', 'pad') },
  transitionChannels: { parse: size, optional: true },
  transitionKernel: { parse: pattern(/^(?:1|3|5|7)$/, '1, 3, 5 or 7', Number), optional: true },
  transitionActivation: { parse: oneOf('relu', 'none'), optional: true },
  pooling: { parse: oneOf(...POOLINGS), optional: true },
  lseR: { parse: positive, optional: true },
  topK: { parse: size, optional: true },
  lseR0: { parse: positive, optional: true },
  attentionChannels: { parse: size, optional: true },
  lowK: { parse: sizeOrNone, optional: true },
  prediction: { parse: pattern(/^[\w./-]{1,200}$/, 'the name of a layer'), optional: true },
  operatingThresholds: { parse: probabilities, optional: true },
  heatmapMethod: { parse: oneOf(...HEATMAP_METHODS), optional: true },
  heatmapScaling: { parse: oneOf('minmax', 'relu') },
  heatmapBorder: { parse: sizeOrNone, optional: true },
  heatThresholds: { parse: heatThresholds, optional: true },
  minRegion: { parse: cells, optional: true },
  boxRules: { parse: boxRules, optional: true },
  activationRanges: { parse: ranges, optional: true },
  imageKind: { parse: oneOf('patients', 'phantoms'), optional: true },
  trainingData: { parse: pattern(/\S/, 'some text, or none') },
  license: { parse: pattern(/\S/, 'some text') },
  assumed: { parse: fieldNames, optional: true },
  told: { parse: warnings, optional: true },
};

/** The error for a wrong value. @param key whose value it is, in words */
export function fault(key: string, expected: string, given: string, hint?: string): InputError {
  return new InputError(`${key} is wrong`, { expected, given, hint });
}

function pattern(allowed: RegExp, expected: string, convert: (text: string) => unknown = (text) => text): Parse {
  return (text, key) => {
    if (!allowed.test(text)) throw fault(key, expected, brief(text));
    return convert(text);
  };
}

function oneOf(...values: string[]): Parse {
  return (text, key) => {
    if (!values.includes(text)) throw fault(key, values.join(', '), brief(text));
    return text;
  };
}

function size(text: string, key: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw fault(key, 'a whole number from 1 to 999999', brief(text));
  return Number(text);
}

function sizeOrNone(text: string, key: string): number {
  if (!/^(?:0|[1-9]\d{0,5})$/.test(text)) throw fault(key, 'a whole number from 0 to 999999', brief(text));
  return Number(text);
}

function positive(text: string, key: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(Number.isFinite(value) && value > 0)) throw fault(key, 'a number above 0', brief(text));
  return value;
}

function cells(text: string, key: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= 0 && Number.isFinite(value))) throw fault(key, 'a number of cells, 0 or more', brief(text));
  return value;
}

const HEAT_THRESHOLDS = `a JSON list of 1 to ${MAX_HEAT_THRESHOLDS} different numbers above 0, up to 255, such as [60,180]`;

function heatThresholds(text: string, key: string): readonly number[] {
  const list = json(text);
  if (!areHeatThresholds(list)) throw fault(key, HEAT_THRESHOLDS, brief(text));
  return list as number[];
}

function boxRules(text: string, key: string): Record<string, BoxRule> {
  const rules = jsonByClass(text, key);
  if (!isObject(rules))
    throw fault(key, 'a JSON object of rules by class: {"Nodule":{"heatThresholds":[180],"minRegion":2}}', brief(text));
  for (const [label, rule] of Object.entries(rules)) {
    const { heatThresholds = [60], minRegion = 0, ...others } = isObject(rule) ? rule : { rule };
    const [unknown] = Object.keys(others);
    if (unknown) throw fault(`${key} of ${label}`, 'heatThresholds, minRegion or both', brief(JSON.stringify(rule)));
    if (!areHeatThresholds(heatThresholds))
      throw fault(`${key} of ${label}`, HEAT_THRESHOLDS, brief(JSON.stringify(heatThresholds)));
    if (!(typeof minRegion === 'number' && minRegion >= 0 && Number.isFinite(minRegion)))
      throw fault(`${key} of ${label}`, 'a minRegion of 0 cells or more', brief(JSON.stringify(minRegion)));
  }
  return rules as Record<string, BoxRule>;
}

function ranges(text: string, key: string): WeightsMetadata['activationRanges'] {
  const byLayer = json(text);
  if (!isObject(byLayer) || Object.keys(byLayer).length === 0)
    throw fault(key, 'a JSON object of ranges by weights: {"conv2.weight":[0,6.1]}', brief(text));
  for (const [name, range] of Object.entries(byLayer))
    if (!isRange(range)) throw fault(`${key} of ${name}`, '[low, high], low ≤ 0 ≤ high', brief(JSON.stringify(range)));
  return byLayer as WeightsMetadata['activationRanges'];
}

/** Two numbers around 0. Their distance has to be neither too small nor too large for a float. */
function isRange(range: unknown): boolean {
  if (!Array.isArray(range) || range.length !== 2 || !range.every(Number.isFinite)) return false;
  const [low, high] = range;
  return low <= 0 && high >= 0 && high - low > 1e-30 && high - low < 1e30;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @throws InputError if a class is given twice: `JSON.parse` would keep the last value, and silently drop the others */
function jsonByClass(text: string, key: string): unknown {
  const value = json(text);
  return value === undefined ? value : parseJson(text, key);
}

function numbers(allowed: (value: number) => boolean, expected: string): Parse {
  return (text, key) => {
    const list = json(text);
    if (
      !Array.isArray(list) ||
      list.length === 0 ||
      !list.every((value) => typeof value === 'number' && allowed(value))
    )
      throw fault(key, expected, brief(text));
    return list;
  };
}

function architecture(text: string, key: string): WeightsMetadata['architecture'] {
  if (/^[a-z][a-z0-9_]*$/.test(text)) return text;
  const description = json(text);
  if (!isObject(description) || typeof description.family !== 'string')
    throw fault(
      key,
      "a network's name in lower case, such as resnet50, or a JSON description with its family",
      brief(text),
    );
  return description as BackboneDescription | GraphDescription;
}

function classNames(text: string, key: string): string[] {
  const list = json(text);
  const expected = 'a JSON list of different names';
  if (
    !Array.isArray(list) ||
    list.length === 0 ||
    !list.every((name) => typeof name === 'string' && name.trim() !== '')
  )
    throw fault(key, expected, brief(text));
  if (new Set(list).size !== list.length) throw fault(key, expected, brief(text));
  return list;
}

/** Entries of `assumed` that are not fields. `probabilities`: that a sigmoid turns the outputs of an imported network into probabilities. */
const ASSUMED_BESIDE = ['probabilities'];

function fieldNames(text: string, key: string): string[] {
  const list = json(text);
  const names = Array.isArray(list) ? list.map((name) => FORMER_NAMES[name] ?? name) : undefined;
  if (
    !names?.every((name) => typeof name === 'string' && (Object.hasOwn(FIELDS, name) || ASSUMED_BESIDE.includes(name)))
  )
    throw fault(key, 'a JSON list of fields', brief(text));
  return names;
}

function warnings(text: string, key: string): unknown[] {
  const list = json(text);
  const isWarning = (one: unknown) =>
    isObject(one) && [one.code, one.message].every((part) => typeof part === 'string' && part.length <= 4_096);
  if (!Array.isArray(list) || list.length > 64 || !list.every(isWarning))
    throw fault(key, 'a JSON list of warnings', brief(text));
  return list.map(({ code, message }) => ({ code, message }));
}

function probabilities(text: string, key: string): Record<string, number> {
  const map = jsonByClass(text, key);
  if (typeof map !== 'object' || map === null || Array.isArray(map) || !Object.values(map).every(isProbability))
    throw fault(key, 'a JSON object of a probability by class', brief(text));
  return map as Record<string, number>;
}
