/** Threads that decode images and draw overlays. */
import type { tasks } from './image_tasks.js';
import { openThreadPool, type ThreadPool } from './thread_pool.js';

export type ImageThreads = ThreadPool<typeof tasks>;

/** @param threads the most threads. Default: one for each processor, at most 8 */
export const openImageThreads = (threads?: number): ImageThreads =>
  openThreadPool({
    module: new URL('./image_tasks.js', import.meta.url),
    here: async () => (await import('./image_tasks.js')).tasks,
    threads,
  });
