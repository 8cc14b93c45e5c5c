/**
 * Which images are scored, and on which ones thresholds are chosen. The rule of Choe et al. (CVPR 2020) is enforced before any work is done:
 * thresholds of heatmaps come from images of other patients than those that are scored, or from the caller.
 */

import { counted, InputError } from '../../errors.js';
import { listed } from '../../formats/data_sets/label_names.js';
import { own } from '../../formats/json.js';
import { nearestOf, optionKinds } from '../../options.js';
import type { MaskEvaluation } from './evaluation.js';
import type { MaskTruth } from './truth.js';

/** What is compared with the truth, which images are scored, and who their patients are. */
export interface MaskScorerOptions {
  predictions: MaskEvaluation['predictions'];
  /** Names of the images to choose thresholds of heatmaps on. They are not scored. */
  validation?: Iterable<string> | undefined;
  /** Names of the images to score. Default: all that are not in `validation`. */
  test?: Iterable<string> | undefined;
  /** The patient of an image. Images of one patient are drawn together, and may not be in both parts. */
  patientOf(image: string): string;
  /** The findings that were predicted. Truth of others is not scored. Default: all. */
  labels?: Iterable<string> | undefined;
  /** Thresholds of heatmaps by label, from 0 to 1, instead of choosing them on validation images. */
  maskThresholds?: Readonly<Record<string, number>> | undefined;
}

export const MASK_SCORER_OPTIONS = optionKinds<MaskScorerOptions>({
  predictions: ['heatmaps', 'masks'],
  validation: 'an object or a list',
  test: 'an object or a list',
  patientOf: 'a function',
  labels: 'an object or a list',
  maskThresholds: 'values by name',
});

/**
 * @param labels those of the truth. Thresholds may also be of other labels, which this truth lacks, but not of names that are nearly one of its
 *   labels: the threshold would be ignored.
 * @throws InputError for a threshold outside of 0 … 1, and for a misspelt label
 */
function checkMaskThresholds(
  thresholds: Readonly<Record<string, number>> = {},
  labels: readonly string[],
  others: Iterable<string> = [],
): void {
  const known = new Set([...labels, ...others]);
  const open = labels.filter((label) => !Object.hasOwn(thresholds, label));
  for (const [label, threshold] of Object.entries(thresholds)) {
    const meant = known.has(label) ? undefined : nearestOf(label, open);
    if (meant !== undefined)
      throw new InputError(`maskThresholds: the truth has no ${label}`, {
        expected: labels.join(', '),
        hint: `did you mean ${meant}?`,
      });
    if (typeof threshold === 'number' && threshold >= 0 && threshold <= 1) continue;
    throw new InputError(`maskThresholds: ${label}`, {
      expected: 'a number from 0 to 1',
      given: inspectable(threshold),
    });
  }
}

const inspectable = (value: unknown) => (typeof value === 'string' ? `'${value}'` : String(value));

export type Part = 'test' | 'validation';

/**
 * Divides the images of a truth.
 * @throws InputError if no image with truth is scored; and for heatmaps, if there is nothing to choose thresholds on, or if an image or a
 *   patient is in both parts
 */
export function maskParts(truth: MaskTruth, options: MaskScorerOptions): ReadonlyMap<string, Part> {
  const { source, images } = truth;
  const { predictions, maskThresholds, patientOf } = options;
  checkMaskThresholds(maskThresholds, truth.labels, options.labels);
  const validation = new Set(options.validation ?? []);
  const test = options.test && new Set(options.test);
  const parts = new Map<string, Part>();
  for (const image of images.keys()) {
    const isScored = test ? test.has(image) : !validation.has(image);
    if (isScored && validation.has(image)) {
      throw new InputError(`${source}: ${image} is both to be scored and to choose thresholds on`, {
        expected: 'test and validation images that are not the same',
        hint: 'take it out of one of the two lists',
      });
    }
    if (isScored) parts.set(image, 'test');
    else if (validation.has(image)) parts.set(image, 'validation');
  }
  const isMarked = (image: string) => (images.get(image)?.regions.size ?? 0) > 0;
  const named = (part: Part) => [...parts].flatMap(([image, its]) => (its === part ? [image] : []));
  if (!named('test').some(isMarked)) {
    const marked = [...images.keys()].filter(isMarked);
    throw new InputError(`${source}: nothing to score`, {
      expected: 'images with truth among the images to score',
      given:
        marked.length === 0
          ? `no mark in any of ${counted(images.size, 'image')}`
          : `${counted(marked.length, 'image')} with truth, none of which is to be scored: ${listed(marked, 3)}`,
    });
  }
  if (predictions === 'masks') return parts;
  const held = named('validation').filter(isMarked);
  if (held.length === 0 && !truth.labels.some((label) => own(maskThresholds, label) !== undefined)) {
    throw new InputError(`${source}: thresholds of heatmaps cannot be chosen`, {
      expected:
        'validation images with truth of this source, which are not scored (Choe et al. 2020), or given thresholds',
      given: validation.size === 0 ? 'none' : `${counted(validation.size, 'validation image')} without such truth`,
      hint: 'name validation images (--validation, --split), or give thresholds (--mask-thresholds)',
    });
  }
  const scored = new Set(named('test').map(patientOf));
  const shared = held.find((image) => scored.has(patientOf(image)));
  if (shared === undefined) return parts;
  throw new InputError(`${source}: a patient has images to choose thresholds on and images to score`, {
    expected: 'validation images of other patients (Choe et al. 2020: thresholds come from a held-out split)',
    given: `patient ${patientOf(shared)}, ${shared}`,
    hint: 'divide images by patient',
  });
}
