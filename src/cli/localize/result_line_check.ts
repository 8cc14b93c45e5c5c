/** What a line of results must look like, so that a run continues only files whose lines it could have written itself. */
import { type Check, isNumber, isObject, optional } from '../../formats/checks.js';
import { isProbability } from '../../formats/operating_thresholds.js';
import { isMadeBy } from './made_by.js';

const isText: Check = (value) => typeof value === 'string';
const isPixels: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 1;
const isSide: Check = (value) => isNumber(value) && (value as number) > 0;

/** By name of a field, how its value is checked and what was expected. */
const FIELDS: Readonly<Record<string, readonly [check: Check, expected: string]>> = {
  file: [isText, 'the path of an image'],
  image: [isText, 'the name of an image'],
  width: [isPixels, 'a number of pixels'],
  height: [isPixels, 'a number of pixels'],
  probabilities: [isByLabel(isProbability), 'a number from 0 to 1 by class'],
  logits: [optional(isByLabel(isNumber)), 'a number by class'],
  findings: [(value) => Array.isArray(value) && value.every(isObject), 'a list of findings'],
  madeBy: [optional(isMadeBy), 'what raybox writes there'],
};

/** The fields that a line for an image has that could not be localized, besides the message. */
const OF_ERRORS = ['file', 'image'];

const BOX: Readonly<Record<string, Check>> = { x: isNumber, y: isNumber, width: isSide, height: isSide };

function isByLabel(check: Check): Check {
  return (value) => isObject(value) && Object.keys(value).length > 0 && Object.values(value).every(check);
}

/** What is wrong with a line: what was expected and given where. Undefined for a line that `raybox localize` could have written. */
export function faultOf(line: unknown): { what: string; expected: string; given: unknown } | undefined {
  if (!isObject(line)) return { what: 'it', expected: 'an object', given: line };
  const isError = line.error !== undefined;
  if (isError && !isText(line.error)) return { what: 'error', expected: 'a message', given: line.error };
  for (const [what, [check, expected]] of Object.entries(FIELDS))
    if ((!isError || OF_ERRORS.includes(what)) && !check(line[what])) return { what, expected, given: line[what] };
  if (isError) return undefined;
  const classes = Object.keys(line.probabilities as object);
  for (const finding of line.findings as Record<string, unknown>[]) {
    const { label, score, box } = finding;
    if (!classes.includes(label as string))
      return { what: 'the label of a finding', expected: classes.join(', '), given: label };
    if (!isProbability(score))
      return { what: 'the score of a finding', expected: 'a number from 0 to 1', given: score };
    if (!isObject(box) || !Object.entries(BOX).every(([side, check]) => check(box[side])))
      return { what: 'the box of a finding', expected: 'x, y, width and height in pixels', given: box };
  }
  return undefined;
}
