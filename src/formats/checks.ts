/** Checks of values from a file. They can be combined to describe the form that a value must have. */

/** Returns whether a value is valid. */
export type Check = (value: unknown) => boolean;

/** A whole number from 1 to 65,536. */
export const isSize: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= 65536;
/** A list of `least` to `most` values that all pass a check. */
export const listOf =
  (check: Check, least = 1, most = 256): Check =>
  (value) =>
    Array.isArray(value) && value.length >= least && value.length <= most && value.every(check);
/** One of these values. */
export const oneOf =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);
/** An object that is not a list. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** A finite number. */
export const isNumber: Check = (value) => Number.isFinite(value);
/** A text of at most 200 characters. */
export const isName: Check = (value) => typeof value === 'string' && value.length <= 200;
/** A value that is missing or passes a check. */
export const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

/** An object with these fields only, whose values all pass their checks. */
export const fields =
  (checks: Record<string, Check>): Check =>
  (value) =>
    isObject(value) &&
    Object.keys(value).every((key) => Object.hasOwn(checks, key)) &&
    Object.entries(checks).every(([key, check]) => check(value[key]));
/** A value that passes at least one of several checks. */
export const anyOf =
  (...checks: Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
