/** The option `--metadata` of the commands that read weights. */
import { parseJson } from '../formats/coco.js';
import type { WeightsMetadata } from '../formats/weights.js';
import { UsageError } from './terminal.js';
import { readText } from './text_files.js';

/** JSON, or a file of it: what a weights file without metadata leaves open. What is wrong in it is said by whoever reads it. */
export async function readMetadata(text: string): Promise<Partial<WeightsMetadata>> {
  const isJson = text.trimStart().startsWith('{');
  const json = isJson ? text : await readText(text).catch(() => undefined);
  if (json === undefined) throw new UsageError(`--metadata ${text}: there is no such file, and it is no JSON object`);
  return parseJson(json, '--metadata') as Partial<WeightsMetadata>;
}
