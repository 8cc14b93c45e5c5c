/** Tasks for `thread_pool.test.ts`. */
import { threadId } from 'node:worker_threads';
import { InputError } from '../../src/errors.js';
import type { Done } from '../../src/node/threads/thread_pool.js';

export const tasks = {
  async twice(values: Uint8Array): Promise<Done<Uint8Array>> {
    const doubled = values.map((value) => 2 * value);
    return { answer: doubled, transfer: [doubled.buffer] };
  },
  async thread(milliseconds: number): Promise<Done<number>> {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    return { answer: threadId, transfer: [] };
  },
  async refuse(what: string): Promise<Done<never>> {
    throw new InputError(`no ${what}`);
  },
  async fail(): Promise<Done<never>> {
    throw new RangeError('a mistake');
  },
  async end(): Promise<Done<never>> {
    process.exit(3);
  },
};
