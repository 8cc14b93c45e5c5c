/** Schedules of the learning rate: functions from the update, counted from 0, to a factor of the given learning rate. */
import { InputError } from '../errors.js';
import { checkOptions } from '../options.js';

/** The factor of the learning rate at an update, counted from 0. */
export type Schedule = (step: number) => number;

/** Keeps the learning rate. It has no options. */
export function constant(options: Record<string, never> = {}): Schedule {
  checkOptions('constant', options, {});
  return () => 1;
}

/** Multiplies the learning rate by `factor` after each `every` steps. */
export function stepDecay(options: { every: number; factor?: number }): Schedule {
  checkOptions('stepDecay', options ?? null, { every: 'a number', factor: 'a number' });
  const { every, factor = 0.1 } = options;
  positive('steps between decays', every);
  if (!(factor > 0 && factor <= 1))
    throw new InputError('decay', { expected: '0 < factor ≤ 1', given: String(factor) });
  return (step) => factor ** Math.floor(step / every);
}

/** Half a cosine from 1 at step 0 to `end` at step `steps`, where it stays. Loshchilov & Hutter 2017, without restarts. */
export function cosine(options: { steps: number; end?: number }): Schedule {
  checkOptions('cosine', options ?? null, { steps: 'a number', end: 'a number' });
  const { steps, end = 0 } = options;
  positive('steps', steps);
  if (!(end >= 0 && end <= 1)) throw new InputError('end of the schedule', { expected: '0 … 1', given: String(end) });
  return (step) => end + ((1 - end) * (1 + Math.cos(Math.PI * Math.min(step / steps, 1)))) / 2;
}

/** Raises the factor linearly over `steps` steps, to 1 in the last of them. Then `after` follows, whose steps are counted from 0. */
export function warmUp(options: { steps: number; after: Schedule }): Schedule {
  checkOptions('warmUp', options ?? null, { steps: 'a number', after: 'a function' });
  const { steps, after } = options;
  if (after === undefined) throw new InputError('warmUp: after is missing', { expected: 'the schedule that follows' });
  if (!(Number.isInteger(steps) && steps >= 0)) {
    throw new InputError('steps of the warm-up', { expected: 'an integer ≥ 0', given: String(steps) });
  }
  return (step) => (step < steps ? (step + 1) / steps : after(step - steps));
}

function positive(what: string, value: number): void {
  if (!(Number.isFinite(value) && value > 0)) throw new InputError(what, { expected: 'above 0', given: String(value) });
}
