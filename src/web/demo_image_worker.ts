/** The worker of the demo page: decodes a file, or draws a phantom. It is given one task, and ends after it. */
import type { Image } from '../formats/images/pixels.js';
import { decode } from '../localizer/images/encoded.js';

/** What the page asks for: the pixels of a file, or of a phantom. */
export type ImageTask =
  | { readonly file: Blob }
  | { readonly phantom: { readonly seed: number; readonly index: number; readonly size: number } };

/** The pixels, and for a phantom the names of what was drawn into it; or why there are none. */
export type ImageAnswer = { readonly image: Image; readonly drawn: readonly string[] } | { readonly error: string };

async function work(task: ImageTask): Promise<{ image: Image; drawn: string[] }> {
  if ('file' in task) return { image: await decode(new Uint8Array(await task.file.arrayBuffer()), {}), drawn: [] };
  const { drawPhantom } = await import('../phantom/index.js');
  const { image, boxes } = drawPhantom(task.phantom);
  return { image, drawn: [...new Set(boxes.map(({ label }) => label))] };
}

/** The global scope of a worker, as far as it is used here. TypeScript's types of pages do not describe workers. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ImageTask>) => void) | null;
  postMessage(answer: ImageAnswer, moved?: Transferable[]): void;
}
const scope = globalThis as unknown as WorkerScope;

scope.onmessage = async ({ data }) => {
  try {
    const answer = await work(data);
    scope.postMessage(answer, [answer.image.data.buffer]);
  } catch (error) {
    scope.postMessage({ error: (error as Error).message });
  }
};
