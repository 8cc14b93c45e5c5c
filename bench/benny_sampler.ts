/** Takes the samples of a benchmark with benny, which runs in Node. */
import { add, configure, suite } from 'benny';
import type { Sampler } from './measure.js';

/** benny first calls a function twice at once, to find out whether it is asynchronous. These calls do nothing. */
const TRIAL_CALLS = 2;

export const sampleWithBenny: Sampler = async (work, { seconds, minSamples }) => {
  let calls = 0;
  let failure: unknown;
  const takeOne = async () => {
    if (calls++ < TRIAL_CALLS || failure !== undefined) return;
    // A rejection within benny would end the process, so the error is kept and thrown afterwards.
    await work().catch((error: unknown) => {
      failure = error;
    });
  };
  // benny must not repeat the work itself to reach a minimal time, because the number of repeats is already chosen.
  const cases = { minTime: 1e-9, maxTime: seconds, minSamples, delay: 0.001 };
  await suite('samples', add('sample', takeOne), configure({ cases }));
  if (failure !== undefined) throw failure;
};
