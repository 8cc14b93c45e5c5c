/** Decodes files and draws phantoms for the demo page in a worker, because either can take longer than a page may be blocked. */
import { InputError } from '../errors.js';
import type { ImageAnswer, ImageTask } from './demo_image_worker.js';

/**
 * Has a worker do the task. Each task has a worker of its own, which ends with it, so that an aborted task stops at once.
 * @throws InputError if a file is no image, or if the worker's script cannot be loaded; the signal's reason when it is aborted.
 */
export async function imageOf(task: ImageTask, signal: AbortSignal): Promise<Exclude<ImageAnswer, { error: string }>> {
  const worker = new Worker(new URL('demo_image_worker.js', document.baseURI), { type: 'module' });
  try {
    const answer = await new Promise<ImageAnswer>((resolve, reject) => {
      signal.throwIfAborted();
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      worker.onmessage = ({ data }: MessageEvent<ImageAnswer>) => resolve(data);
      worker.onerror = ({ message }) =>
        reject(
          new InputError(`the page's worker failed: ${message || 'its script was not loaded'}`, {
            hint: 'load the page again; if it is your own copy, demo_image_worker.js must lie beside it',
          }),
        );
      worker.postMessage(task);
    });
    if ('error' in answer) throw new InputError(answer.error);
    return answer;
  } finally {
    worker.terminate();
  }
}
