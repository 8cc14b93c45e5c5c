/**
 * What the images of a training run looked like when it began: `pixels.tsv` in its folder has a line an image, a hash of the pixels as
 * training takes them and the image's name. A run that goes on sees by it that an image has changed since, which its name does not tell.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { firstFew, InputError } from '../errors.js';
import { readText, writeRefusal, writeWhole } from './text_files.js';

const PIXELS = 'pixels.tsv';

export interface PixelRecord {
  /** What to be told: that there was no record, or what changed and was accepted. */
  readonly warnings: readonly string[];
  /**
   * Compares an image that has been decoded, or writes it down where it is new. Returns a warning where a change was accepted.
   * @throws InputError where its pixels are others
   */
  see(image: string, hash: string): string | undefined;
}

/**
 * Opens the record of a run, and compares the images that have been decoded.
 * @param decoded hashes of their pixels by the images' names
 * @param accept takes what changed into the record
 * @throws InputError naming images whose pixels are others than when the run began
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
        appendFileSync(path, lineOf(image, hash)); // of two lines for one image the later holds
      } catch (error) {
        throw writeRefusal(path, error);
      }
      return before === undefined ? undefined : acceptance([image]);
    },
  };
}

const lineOf = (image: string, hash: string) => `${hash}\t${image}\n`;

/** A half line at the end is what a killed run left. */
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
