/** Draws phantoms in worker threads. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { PhantomOptions } from '../../phantom/index.js';
import type { PhantomRow } from './tables.js';

export type Drawing = Omit<PhantomOptions, 'index'>;

const BATCH = 4;

interface Work {
  drawing: Drawing;
  part: string;
  threads: number | undefined;
  signal: AbortSignal | undefined;
}

/** Gives batches of indices to worker threads. If one of them fails, or if the signal is aborted, all of them end. */
export async function drawAll(
  indices: number[],
  { drawing, part, threads, signal }: Work,
  onDrawn: (rows: PhantomRow[]) => Promise<void>,
): Promise<void> {
  const batches = Array.from({ length: Math.ceil(indices.length / BATCH) }, (_, k) =>
    indices.slice(k * BATCH, (k + 1) * BATCH),
  );
  const queue = batches.values();
  const workers: Worker[] = [];
  let writing = Promise.resolve();
  const serve = () =>
    new Promise<void>((done, fail) => {
      const worker = new Worker(new URL('./worker.js', import.meta.url), {
        workerData: { drawing, part },
        // Without this, a thread would inherit flags such as --input-type, which only make sense for the main script.
        execArgv: [],
      });
      workers.push(worker);
      const next = () => {
        signal?.throwIfAborted();
        const batch = queue.next();
        if (batch.done) done();
        else worker.postMessage(batch.value);
      };
      const attempt = (step: () => void) => {
        try {
          step();
        } catch (error) {
          fail(error);
        }
      };
      worker.on('message', (rows: PhantomRow[]) => {
        // Rows are written one batch after the other. The worker does not wait for it.
        writing = writing.then(() => onDrawn(rows));
        writing.catch(fail);
        attempt(next);
      });
      worker.on('error', fail);
      worker.on('exit', (code) => fail(new Error(`a drawing thread ended with code ${code}`)));
      attempt(next);
    });
  const wanted = Math.min(threads ?? Math.min(availableParallelism(), 16), batches.length);
  try {
    await Promise.all(Array.from({ length: wanted }, serve));
    await writing;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
