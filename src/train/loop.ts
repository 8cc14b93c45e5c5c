/**
 * The training loop: epochs in seeded orders, validation after each, and checkpoints from which a run continues with the same bits. It
 * reads and writes no files: images come from an `ImageSource`, and results go to a `Keeper`.
 */
import { formatWeightsMetadata } from '../formats/weights/weights.js';
import { bestEpoch, type EpochRecord } from './checkpoint.js';
import { trainEpoch, validateEpoch } from './epoch.js';
import type { TrainOptions, TrainResult } from './options.js';
import { openRun, type Run, save } from './run.js';
import type { Scores } from './score.js';
import { weightsMetadataOf } from './settings.js';
import { writeWeights } from './trainer_states.js';

/**
 * Trains a network.
 * @throws InputError
 *   - before anything runs, if settings, data and checkpoint do not fit each other;
 *   - if images, losses or gradients are not finite, naming the step, the images of the batch and the last checkpoint;
 *   - if an image cannot be read, after writing a checkpoint.
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const run = await openRun(options);
  const { state, settings } = run;
  try {
    while (!isOver(run)) {
      const started = performance.now();
      await trainEpoch(run);
      await endEpoch(run, await validateEpoch(run));
      await run.keeper.epoch?.(state.history, (performance.now() - started) / 1000);
    }
    const best = bestEpoch(state.history) as EpochRecord;
    return { history: state.history, best, stoppedEarly: state.epoch < settings.epochs };
  } finally {
    await run.close();
  }
}

function isOver({ state, settings: { epochs, patience } }: Run): boolean {
  const best = bestEpoch(state.history);
  const waited = best ? state.epoch - best.epoch : 0;
  return state.epoch >= epochs || (patience > 0 && waited >= patience);
}

/** Adds an epoch to the history, and keeps its weights if it is the best so far, and a checkpoint. */
async function endEpoch(run: Run, { auc, meanAuc, operatingThresholds }: Scores): Promise<void> {
  const { state, steps, perUpdate, settings, trainer, keeper } = run;
  const record = { epoch: state.epoch + 1, loss: state.lossSum / (steps * perUpdate), auc, meanAuc };
  const history = [...state.history, record];
  // The weights are written before the checkpoint: if the run is killed in between, a resumed run repeats the end of the epoch and
  // writes the same weights again. In the other order they would be missing.
  if (bestEpoch(history) === record) {
    const { trainingData = 'unknown', license = 'unknown' } = run.options;
    const metadata = weightsMetadataOf(settings, { trainingData, license, operatingThresholds });
    await keeper.best?.(await writeWeights(trainer, formatWeightsMetadata(metadata)), record);
  }
  Object.assign(state, { epoch: state.epoch + 1, step: 0, lossSum: 0, history });
  await save(run);
}
