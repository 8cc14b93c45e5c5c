/**
 * Records what the images of a training run looked like when it began. `pixels.tsv` in the folder of the run has a line for each image, with
 * a hash of its pixels and its name. When the run is resumed, this shows whether an image has changed while its name stayed the same.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { firstFew, InputError } from '../../errors.js';
import { readText, writeRefusal, writeWhole } from '../text_files.js';

const PIXELS = 'pixels.tsv';

export interface PixelRecord {
  /** Says that there was no record, or which images have changed and were accepted. */
  readonly warnings: readonly string[];
  /**
   * Compares a decoded image with the record, or adds it if it is new.
   * @returns a warning if it has changed and that was accepted.
   * @throws InputError if its pixels have changed.
   */
  see(image: string, hash: string): string | undefined;
}

/**
 * Opens the record of a run, and compares the images that have been decoded so far.
 * @param decoded hashes of pixels by the names of images.
 * @param options.accept accepts changed images and records their new hashes.
 * @param options.isNew whether the run is a new one, which has no record yet.
 * @throws InputError naming images whose pixels have changed since the run began.
 */
export async function openPixelRecord(
  folder: string,
  decoded: ReadonlyMap<string, string>,
  { accept, isNew }: { accept: boolean; isNew: boolean },
): Promise<PixelRecord> {
  const path = join(folder, PIXELS);
  const warnings: string[] = [];
  if (!isNew && !existsSync(path)) {
    warnings.push(
      'the run has no record of its images’ pixels, as it began with an older raybox: a change since then goes unnoticed; they are recorded from now on',
    );
  }
  const known = existsSync(path) ? parse(await readText(path)) : new Map<string, string>();
  const changed = [...decoded].flatMap(([image, hash]) => ((known.get(image) ?? hash) === hash ? [] : [image]));
  if (changed.length > 0) {
    if (!accept) throw refusal(changed);
    warnings.push(acceptance(changed));
  }
  for (const [image, hash] of decoded) known.set(image, hash);
  await writeWhole(path, Array.from(known, ([image, hash]) => lineOf(image, hash)).join(''));
  return {
    warnings,
    see(image, hash) {
      const before = known.get(image);
      if (before === hash) return undefined;
      if (before !== undefined && !accept) throw refusal([image]);
      known.set(image, hash);
      try {
        appendFileSync(path, lineOf(image, hash)); // if an image has two lines, the later one is used
      } catch (error) {
        throw writeRefusal(path, error);
      }
      return before === undefined ? undefined : acceptance([image]);
    },
  };
}

const lineOf = (image: string, hash: string) => `${hash}\t${image}\n`;

/** Reads a record. An incomplete line at the end is ignored, since a killed run may have left it. */
function parse(text: string): Map<string, string> {
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).matchAll(/^([0-9a-f]{16})\t(.+)$/gm);
  return new Map(Array.from(lines, ([, hash, image]) => [image, hash]));
}

const subject = (images: readonly string[]) =>
  images.length === 1 ? `${images[0]} has other pixels` : `${images.length} images have other pixels`;

const refusal = (images: readonly string[]) =>
  new InputError(`${subject(images)} than when the run began`, {
    ...(images.length > 1 ? { given: firstFew(images, 5) } : {}),
    hint: 'bring the images back to what they were, or go on knowingly with --resume --accept-changed-images',
  });

const acceptance = (images: readonly string[]) =>
  `${subject(images)} than when the run began, which was accepted${images.length > 1 ? `: ${firstFew(images, 5)}` : ''}; the result is not that of an unbroken run`;
