/** Checks of values that came from a file, put together to say what a description has to look like. */

/** Whether a value is what it has to be. */
export type Check = (value: unknown) => boolean;

/** A whole number from 1 to 65,536. */
export const isSize: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= 65536;
/** A list of `least` to `most` values, each right. */
export const listOf =
  (check: Check, least = 1, most = 256): Check =>
  (value) =>
    Array.isArray(value) && value.length >= least && value.length <= most && value.every(check);
/** One of these values. */
export const oneOf =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);
/** An object, and no list. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** A finite number. */
export const isNumber: Check = (value) => Number.isFinite(value);
/** A text of at most 200 characters. */
export const isName: Check = (value) => typeof value === 'string' && value.length <= 200;
/** Missing, or right. */
export const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

/** An object that has these fields, each right, and no other. */
export const fields =
  (checks: Record<string, Check>): Check =>
  (value) =>
    isObject(value) &&
    Object.keys(value).every((key) => Object.hasOwn(checks, key)) &&
    Object.entries(checks).every(([key, check]) => check(value[key]));
/** Right by at least one of several checks. */
export const anyOf =
  (...checks: Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
