/** The script that tests of pages run, in the page and in the workers that it starts. */
import { type LoadOptions, load } from '../../src/index.js';
import { contentOf, localizeTiny, tinyPicture, tinyWeights } from './tiny.js';

/** Localizes here and in as many workers at once. @returns the answers, as text */
export async function localizeWithWorkers(scriptUrl: string, count: number): Promise<string[]> {
  const answers = Array.from({ length: count }, async () => {
    const worker = new Worker(scriptUrl, { type: 'module' });
    try {
      return await new Promise<string>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => reject(new Error(`a worker: ${event.message}`));
      });
    } finally {
      worker.terminate();
    }
  });
  return Promise.all([localizeTiny(), ...answers]);
}

/** The same with weights from the page's server, or from whatever stands in for it. */
export async function localizeFrom(url: string): Promise<string> {
  const localizer = await load(url);
  const { classes } = localizer;
  const answer = JSON.stringify(contentOf(await localizer.localize(tinyPicture(1), { classes })));
  await localizer.close();
  return answer;
}

/** The error with which `load` ends. */
export const refusalOf = (options: LoadOptions): Promise<string> =>
  load(tinyWeights(1), options).then(
    () => 'it was not refused',
    ({ name, message }: Error) => `${name}: ${message}`,
  );

if (typeof document === 'undefined') postMessage(await localizeTiny());
