/** The overlays of `raybox localize`: which file each image has, and whether it has been drawn already. */
import { closeSync, openSync, readSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { hasPngText } from '../../formats/images/png_writer.js';
import { type ImageFile, isFile } from '../../node/images/image_files.js';
import { UsageError } from '../terminal.js';
import type { Task } from './pipeline.js';
import type { MadeBy, Results } from './results.js';

/** Gives each image a file of its own in the folder. @throws UsageError if such a file is one of the images to read */
export function overlayPaths(files: readonly ImageFile[], folder: string | undefined): Task[] {
  if (folder === undefined) return [...files];
  const inputs = new Set(files.map(({ path }) => resolve(path)));
  const taken = new Set<string>();
  return files.map((file) => {
    const flat = file.name.replace(/^(\.*[/\\])+/, '').replace(/[/\\:]+/g, '_');
    const stem = flat.replace(/\.png$/i, '');
    let overlay = join(folder, `${stem}.png`);
    for (let number = 2; taken.has(overlay.toLowerCase()); number++) overlay = join(folder, `${stem}-${number}.png`);
    taken.add(overlay.toLowerCase());
    if (inputs.has(resolve(overlay)))
      throw new UsageError(`--overlay ${folder}: ${overlay} is one of the images; name another folder`);
    return { ...file, overlay };
  });
}

/** What an overlay was drawn by. Its file has this text. */
export const drawnBy = ({ weights, options }: Pick<MadeBy, 'weights' | 'options'>, allBoxes = false): string =>
  JSON.stringify({ weights, options, ...(allBoxes ? { boxes: 'all' } : {}) });

/**
 * Gives a function that says whether an overlay has been drawn already, by the same weights and options as the results. Overlays of other ones
 * may be in the folder, where another run has drawn them. If the results do not say what they were made by, any overlay counts.
 */
export function drawnBefore(
  { madeBy: [first] }: Pick<Results, 'madeBy'>,
  { options }: Pick<MadeBy, 'options'>,
  allBoxes: boolean | undefined,
): (overlay: string | undefined) => boolean {
  const text = first && drawnBy({ weights: first.weights, options }, allBoxes);
  return (overlay) => overlay === undefined || (isFile(overlay) && (text === undefined || hasText(overlay, text)));
}

function hasText(path: string, text: string): boolean {
  const head = new Uint8Array(100 + 6 * text.length); // a character of the text may be written as six
  const file = openSync(path, 'r');
  try {
    return hasPngText(head.subarray(0, readSync(file, head)), text);
  } finally {
    closeSync(file);
  }
}
