/** A worker thread of `thread_pool.ts`. It carries out the tasks of the module that it is started with, one at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import { InputError } from '../../errors.js';
import type { Done } from './thread_pool.js';

interface Job {
  task: string;
  given: unknown[];
}

const { tasks } = (await import(workerData)) as {
  tasks: Record<string, (...given: unknown[]) => Promise<Done<unknown>>>;
};

parentPort?.on('message', async ({ task, given }: Job) => {
  try {
    const { answer, transfer } = await tasks[task](...given);
    parentPort?.postMessage({ answer }, transfer);
  } catch (error) {
    const { message, stack } = error as Error;
    parentPort?.postMessage({ error: { message, stack, isInput: error instanceof InputError } });
  }
});
parentPort?.postMessage({ isReady: true });
