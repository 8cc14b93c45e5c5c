/** One epoch of a run: its updates, and the validation after them. */
import { drawViews } from './augmentation.js';
import { epochOrder, labelsOf } from './data.js';
import type { Loaded } from './feed.js';
import { prefetch } from './prefetch.js';
import { diverged, type Run, save, tell } from './run.js';
import { type Scores, scoresOf } from './score.js';
import { NotFiniteError } from './step.js';

/** Time between checkpoints, ten minutes: the most work that an interrupted run has to repeat. */
const CHECKPOINT_MS = 600_000;

/** The epoch that is being trained. */
interface Epoch {
  /** Rows of the data, in the order in which they are trained on. */
  readonly order: Int32Array;
  /** When the last update ended, as `performance.now` counts. */
  lap: number;
}

/**
 * Trains an epoch to its end, from the update that the state of the run names. The GPU computes one update while the images of the next
 * are prepared.
 */
export async function trainEpoch(run: Run): Promise<void> {
  const { options, settings, state, steps, perUpdate } = run;
  const { data, checkpointMs = CHECKPOINT_MS, signal } = options;
  const epoch: Epoch = { order: epochOrder(data.train, settings.seed, state.epoch), lap: performance.now() };
  const load = (step: number) => {
    const place = { seed: settings.seed, epoch: state.epoch, first: step * perUpdate, count: perUpdate };
    return run.feed.load(rowsOf(run, epoch, step), drawViews(settings.augmentation, settings.input.size, place));
  };
  const todo = Array.from({ length: steps - state.step }, (_, i) => state.step + i);
  const updates = prefetch(todo, load, Math.max(2, Math.ceil(32 / perUpdate)));
  let finish = async () => {};
  for (;;) {
    if (signal?.aborted || performance.now() - run.savedAt >= checkpointMs) {
      await finish();
      finish = async () => {};
      await save(run);
      signal?.throwIfAborted();
      epoch.lap = performance.now();
    }
    // An update only begins once all of its images have been loaded. So if one cannot be read, the state is that after the update
    // before, and the run can be resumed from it.
    const next = await updates.next().catch(async (error) => {
      await finish();
      await save(run);
      throw error;
    });
    if (next.done) return finish();
    const previous = finish;
    finish = beginUpdate(run, epoch, ...next.value);
    await previous();
  }
}

/** The rows of the data that an update trains on. */
const rowsOf = ({ perUpdate }: Run, { order }: Epoch, step: number) =>
  order.subarray(step * perUpdate, (step + 1) * perUpdate);

/** Submits an update to the GPU. The returned function waits for it and records its loss. */
function beginUpdate(run: Run, epoch: Epoch, step: number, loaded: Loaded): () => Promise<void> {
  const { settings, state, steps, perUpdate, trainer } = run;
  const { batch, accumulate } = settings;
  const learningRate = settings.learningRate * run.schedule(state.epoch * steps + step);
  const losses = Array.from({ length: accumulate }, (_, micro) => {
    const first = step * perUpdate + micro * batch;
    const labels = labelsOf(run.options.data, epoch.order.subarray(first, first + batch));
    return trainer.step(loaded.batch(micro * batch), labels, { learningRate });
  });
  const all = Promise.allSettled(losses);
  run.underWay = all; // it is awaited only after the next update has been submitted
  return async () =>
    recordUpdate(run, epoch, { step, learningRate, losses: lossesOf(run, await all, rowsOf(run, epoch, step)) });
}

/** The losses of an update's micro-batches. @throws InputError naming the images of the first one whose numbers are not finite */
function lossesOf(run: Run, results: readonly PromiseSettledResult<number>[], rows: Int32Array): number[] {
  const { batch } = run.settings;
  return results.map((result, micro) => {
    if (result.status === 'fulfilled') return result.value;
    if (!(result.reason instanceof NotFiniteError)) throw result.reason;
    const files = Array.from(rows.subarray(micro * batch, (micro + 1) * batch), (row) => run.options.data.images[row]);
    throw diverged(run, result.reason.message, `the batch ${files.join(', ')}`);
  });
}

/** Counts an update that has ended, and tells of it. */
function recordUpdate(
  run: Run,
  epoch: Epoch,
  { step, learningRate, losses }: { step: number; learningRate: number; losses: readonly number[] },
): void {
  const { state, steps, perUpdate } = run;
  for (const value of losses) state.lossSum += value;
  state.step = step + 1;
  const now = performance.now();
  run.pace.trained(now - epoch.lap);
  epoch.lap = now;
  const loss = losses.reduce((sum, value) => sum + value, 0) / perUpdate;
  run.keeper.update?.({ epoch: state.epoch + 1, step: state.step, loss, learningRate });
  tell(run, { phase: 'training', done: state.step * perUpdate, total: steps * perUpdate, loss });
}

/**
 * Scores the network on the validation images.
 * @throws InputError if an image cannot be read, after writing a checkpoint, or if an output of the network is not finite
 */
export async function validateEpoch(run: Run): Promise<Scores> {
  const { options, state, steps, perUpdate, scorer } = run;
  const { data, signal } = options;
  const started = performance.now();
  const total = data.validation.length;
  const loss = state.lossSum / (steps * perUpdate);
  const onProgress = (done: number) => tell(run, { phase: 'validating', done, total, loss });
  const logits = await scorer.run(data.validation, { signal, onProgress }).catch(async (error) => {
    // The checkpoint has every update of the epoch, so a resumed run begins with this validation.
    await save(run);
    throw error;
  });
  run.pace.validated(performance.now() - started);
  if (!logits.every(Number.isFinite)) throw diverged(run, 'an output of the network is not finite');
  return scoresOf(data, logits);
}
