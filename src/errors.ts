/**
 * The four classes of errors that raybox throws. Each message says what was expected, what was given and what to do, so that a user can act
 * on it. This file is in no folder, because all folders throw these errors.
 */

/** What an error says after its first sentence. */
export interface ErrorDetails {
  /** What would have been correct. */
  expected?: string;
  /** What was found instead. */
  given?: string;
  /** What to do about it. */
  hint?: string;
  cause?: unknown;
}

/** A number with its noun, for messages: `1 number`, `3 numbers`. */
export const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** The first names of a list that may be long, for messages: `a, b and 3 more`. */
export const firstFew = (names: readonly string[], most: number) =>
  names.slice(0, most).join(', ') + (names.length > most ? ` and ${names.length - most} more` : '');

class RayboxError extends Error {
  // These are only declared, and set if they have a value. If they were always set, an error that is printed would list empty properties.
  declare readonly expected: string | undefined;
  declare readonly given: string | undefined;
  declare readonly hint: string | undefined;

  constructor(summary: string, details: ErrorDetails = {}) {
    const { expected, given, hint, cause } = details;
    const parts = [summary];
    if (expected !== undefined) parts.push(`expected ${expected}`);
    if (given !== undefined) parts.push(`given ${given}`);
    if (hint !== undefined) parts.push(hint);
    super(parts.join('; '), cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    if (expected !== undefined) this.expected = expected;
    if (given !== undefined) this.given = given;
    if (hint !== undefined) this.hint = hint;
  }
}

/** There is no suitable adapter: no driver is installed, the adapter was refused, or it lacks a limit or a feature. */
export class GpuUnavailableError extends RayboxError {
  override name = 'GpuUnavailableError';
}

/** The device was lost while it was in use. `Localizer.restore` starts again on a new one. */
export class DeviceLostError extends RayboxError {
  override name = 'DeviceLostError';
}

/** A kernel did not compile, or the GPU reported an error while one ran. The fault is in raybox or in the driver. */
export class KernelError extends RayboxError {
  override name = 'KernelError';
}

/** The fault is in the caller's data or options: a broken file, a wrong shape, a value out of range. */
export class InputError extends RayboxError {
  override name = 'InputError';
}
