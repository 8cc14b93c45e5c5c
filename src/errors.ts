/**
 * The four ways in which raybox fails. Each says what was expected, what was given and what to do, so that a message
 * is enough to act on. They live beside the parts rather than in one of them, because readers of files throw them too.
 */

/** What an error tells beside its first sentence. */
export interface ErrorDetails {
  /** What would have been right. */
  expected?: string;
  /** What was found instead. */
  given?: string;
  /** What to do about it. */
  hint?: string;
  cause?: unknown;
}

/** `1 number`, `3 numbers`: how messages count. */
export const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** `a, b and 3 more`: the first of what may be a long list. */
export const firstFew = (names: readonly string[], most: number) =>
  names.slice(0, most).join(', ') + (names.length > most ? ` and ${names.length - most} more` : '');

class RayboxError extends Error {
  // Only declared: an error that is printed lists the properties that it has, and those that say nothing should not be among them.
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

/** No adapter, or none that fits: no driver, a refused one, or a limit or feature that is missing. */
export class GpuUnavailableError extends RayboxError {
  override name = 'GpuUnavailableError';
}

/** The device went away while it was in use. `Localizer.restore` starts over on a new one. */
export class DeviceLostError extends RayboxError {
  override name = 'DeviceLostError';
}

/** A kernel did not compile, or the GPU reported an error while one ran: raybox or the driver is at fault. */
export class KernelError extends RayboxError {
  override name = 'KernelError';
}

/** The caller's data or options are at fault: a broken file, a wrong shape, a value out of range. */
export class InputError extends RayboxError {
  override name = 'InputError';
}
