/** Draws phantoms in worker threads. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { PhantomOptions } from '../phantom/index.js';
import type { PhantomRow } from './phantom_tables.js';

export type Drawing = Omit<PhantomOptions, 'index'>;

const BATCH = 4;

interface Work {
  drawing: Drawing;
  part: string;
  threads: number | undefined;
  signal: AbortSignal | undefined;
}

/** Hands batches of indices to worker threads. One that fails, or an abort, ends them all. */
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
      const worker = new Worker(new URL('./phantom_worker.js', import.meta.url), {
        workerData: { drawing, part },
        // Flags like --input-type are for how this process was started, not for a thread.
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
        // One append at a time; the worker need not wait for it.
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
