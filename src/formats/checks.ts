/** Checks of values that came from a file, put together to say what a description has to look like. */

export type Check = (value: unknown) => boolean;

export const isSize: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= 65536;
export const listOf =
  (check: Check, least = 1, most = 256): Check =>
  (value) =>
    Array.isArray(value) && value.length >= least && value.length <= most && value.every(check);
export const oneOf =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const isNumber: Check = (value) => Number.isFinite(value);
export const isName: Check = (value) => typeof value === 'string' && value.length <= 200;
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
export const anyOf =
  (...checks: Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
