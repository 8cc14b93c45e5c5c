/**
 * Shows a training run on the terminal: a bar with the loss, the images per second and the time that is left, and a line for each epoch.
 */

import { SingleBar } from '../../node/vendor/cli_progress.js';
import type { EpochRecord } from '../../train/checkpoint.js';
import type { TrainProgress } from '../../train/options.js';
import { duration, say } from '../terminal.js';

/** Shows on stderr how a training run gets on. */
export interface TrainDisplay {
  update(progress: TrainProgress): void;
  epoch(record: EpochRecord, seconds: number): void;
  note(text: string): void;
  stop(): void;
}

const SPARSE_MS = 30_000;

const timeLeft = (seconds: number) => (Number.isFinite(seconds) ? duration(1000 * seconds) : '–');
/** Empty if there is no loss, as in a run in closed form. */
const lossText = (loss: number) => (Number.isFinite(loss) ? `loss ${loss.toFixed(3)}, ` : '');
const rateText = (rate: number) => `${rate >= 10 ? rate.toFixed(0) : rate.toFixed(1)} images/s`;

/** On a terminal there is one line that changes; elsewhere a line from time to time, and one for each epoch. */
export function startTrainDisplay(): TrainDisplay {
  const epochLine = ({ epoch, loss, meanAuc }: EpochRecord, seconds: number) =>
    `epoch ${epoch}: ${lossText(loss)}mean validation AUC ${meanAuc.toFixed(3)} (${duration(1000 * seconds)})`;
  if (!process.stderr.isTTY) {
    let last = performance.now();
    return {
      update({ phase, epoch, epochs, done, total, loss, rate, secondsLeft }) {
        if (performance.now() - last < SPARSE_MS) return;
        last = performance.now();
        const left = `${timeLeft(secondsLeft)} left`;
        say(`${phase} epoch ${epoch}/${epochs}: ${done}/${total}, ${lossText(loss)}${rateText(rate)}, ${left}`);
      },
      epoch: (record, seconds) => say(epochLine(record, seconds)),
      note: say,
      stop() {},
    };
  }
  const bar = new SingleBar({
    stream: process.stderr,
    format: 'epoch {epoch} {phase} [{bar}] {value}/{total} | loss {loss} | {rate} | {left} left',
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    gracefulExit: false,
    barsize: 24,
  });
  let phase = '';
  const stop = () => bar.stop(); // shows the cursor again
  process.once('exit', stop);
  const note = (text: string) => {
    process.stderr.write('\r\x1b[K');
    say(text);
  };
  return {
    update(progress) {
      const { epoch, epochs, done, total, loss, rate, secondsLeft } = progress;
      const payload = {
        ...{ epoch: `${epoch}/${epochs}`, phase: progress.phase, loss: Number.isFinite(loss) ? loss.toFixed(3) : '–' },
        ...{ rate: rateText(rate), left: timeLeft(secondsLeft) },
      };
      if (phase === '') bar.start(total, done, payload);
      if (phase !== progress.phase) bar.setTotal(total);
      phase = progress.phase;
      bar.update(done, payload);
    },
    epoch: (record, seconds) => note(epochLine(record, seconds)),
    note,
    stop() {
      process.off('exit', stop);
      stop();
    },
  };
}
