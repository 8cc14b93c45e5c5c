/** Schedules of the learning rate: functions from the update, counted from 0, to a factor of the given learning rate. */
import { InputError } from '../errors.js';

/** The factor of the learning rate at an update, counted from 0. */
export type Schedule = (step: number) => number;

/** Keeps the learning rate. */
export const constant = (): Schedule => () => 1;

/** Multiplies the learning rate by `factor` after each `every` steps. */
export function stepDecay({ every, factor = 0.1 }: { every: number; factor?: number }): Schedule {
  positive('steps between decays', every);
  if (!(factor > 0 && factor <= 1))
    throw new InputError('decay', { expected: '0 < factor ≤ 1', given: String(factor) });
  return (step) => factor ** Math.floor(step / every);
}

/** Half a cosine from 1 at step 0 to `end` at step `steps`, where it stays. Loshchilov & Hutter 2017, without restarts. */
export function cosine({ steps, end = 0 }: { steps: number; end?: number }): Schedule {
  positive('steps', steps);
  if (!(end >= 0 && end <= 1)) throw new InputError('end of the schedule', { expected: '0 … 1', given: String(end) });
  return (step) => end + ((1 - end) * (1 + Math.cos(Math.PI * Math.min(step / steps, 1)))) / 2;
}

/** Raises the factor linearly over `steps` steps, to 1 in the last of them. Then `after` follows, whose steps are counted from 0. */
export function warmUp({ steps, after }: { steps: number; after: Schedule }): Schedule {
  if (!(Number.isInteger(steps) && steps >= 0)) {
    throw new InputError('steps of the warm-up', { expected: 'an integer ≥ 0', given: String(steps) });
  }
  return (step) => (step < steps ? (step + 1) / steps : after(step - steps));
}

function positive(what: string, value: number): void {
  if (!(Number.isFinite(value) && value > 0)) throw new InputError(what, { expected: 'above 0', given: String(value) });
}
