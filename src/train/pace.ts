/** Estimates how fast a run is and how long it will still take. */
import type { TrainingState } from './checkpoint.js';

/** Share of the former estimate in the new one after each update. The last 20 updates or so count most. */
const MEMORY = 0.95;

export interface Pace {
  /** Images trained on per second; 0 before the first update. */
  readonly rate: number;
  trained(milliseconds: number): void;
  validated(milliseconds: number): void;
  /** Expected time until all epochs are done; NaN before the first update. `done`: images already validated in this epoch. */
  secondsLeft(state: TrainingState, done: number): number;
}

export function createPace(run: { steps: number; epochs: number; perUpdate: number; validation: number }): Pace {
  const { steps, epochs, perUpdate, validation } = run;
  let perStep: number | undefined;
  let perValidation: number | undefined;
  let updates = 0;
  return {
    get rate() {
      return perStep ? (1000 * perUpdate) / perStep : 0;
    },
    trained(milliseconds) {
      // The time of the first update includes compilation, so the second one replaces it.
      const isEarly = updates++ < 2;
      perStep = perStep === undefined || isEarly ? milliseconds : MEMORY * perStep + (1 - MEMORY) * milliseconds;
    },
    validated(milliseconds) {
      perValidation = milliseconds;
    },
    secondsLeft({ epoch, step }, done) {
      if (perStep === undefined) return Number.NaN;
      // Before the first validation its time is estimated: a forward pass takes about a third of a training step.
      const scoring = perValidation ?? (perStep / perUpdate) * (validation / 3);
      const training = ((epochs - epoch) * steps - step) * perStep;
      return (training + (epochs - epoch - done / validation) * scoring) / 1000;
    },
  };
}
