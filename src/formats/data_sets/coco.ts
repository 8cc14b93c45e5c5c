/**
 * Reads and writes COCO detection files (Lin et al. 2014, cocodataset.org/#format-results). Two forms are read. One is an array of results,
 * whose ids are explained in a separate annotation file. The other is an object with `images` and `categories` of its own. raybox writes
 * the second form; its `annotations` are a valid array of results.
 */

import { InputError } from '../../errors.js';
import type { OnWarning, Warning } from '../../warnings.js';
import { brief } from '../brief.js';
import { isObject } from '../checks.js';
import { type Box, type Finding, fileName, type Prediction } from '../findings.js';
import { probabilitiesByLabel, sizeIn } from '../json.js';
import { canonicalLabel } from './image_table.js';
import { labelNames, listed } from './label_names.js';

type Id = number | string;

interface CocoImage {
  id: Id;
  file_name: string;
  width?: number;
  height?: number;
  /** Probabilities of the image by category name. The format has no such field; raybox adds it. */
  probabilities?: Record<string, number>;
}

export interface CocoAnnotation {
  id: number;
  image_id: Id;
  category_id: Id;
  /** x, y, width, height. */
  bbox: [number, number, number, number];
  area: number;
  iscrowd: 0 | 1;
  score: number;
}

export interface CocoFile {
  /** `madeBy` is an addition of `raybox localize`. */
  info: { description: string; madeBy?: unknown };
  images: CocoImage[];
  categories: { id: number; name: string }[];
  annotations: CocoAnnotation[];
}

/** Findings as a COCO file. Category ids count from 1 in the order of `classes`. */
export function toCoco(predictions: Iterable<Prediction>, classes: readonly string[]): CocoFile {
  const categoryOf = new Map(classes.map((name, i) => [name, i + 1]));
  const images: CocoImage[] = [];
  const annotations: CocoAnnotation[] = [];
  for (const { image, width, height, probabilities, findings = [] } of predictions) {
    const imageId = images.length + 1;
    images.push({ id: imageId, file_name: image, width, height, ...(probabilities && { probabilities }) });
    for (const { label, score, box } of findings) {
      const category = categoryOf.get(label);
      if (category === undefined) {
        throw new InputError(`${image}: a finding of no listed class`, { expected: classes.join(', '), given: label });
      }
      annotations.push({
        id: annotations.length + 1,
        image_id: imageId,
        category_id: category,
        bbox: [box.x, box.y, box.width, box.height],
        area: box.width * box.height,
        iscrowd: 0,
        score,
      });
    }
  }
  const categories = classes.map((name, i) => ({ id: i + 1, name }));
  return { info: { description: 'raybox findings' }, images, categories, annotations };
}

const isId = (value: unknown): value is Id => typeof value === 'string' || Number.isInteger(value);

/** The array of objects under `key`; empty if there is no such key. @throws InputError for any other value */
function records(holder: unknown, key: string, source: string): Record<string, unknown>[] {
  const value = isObject(holder) ? holder[key] : undefined;
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every(isObject)) return value;
  throw new InputError(`${source}: "${key}" is not a list of objects`);
}

export interface CocoOptions {
  source?: string;
  /**
   * A parsed annotation file, whose `images` and `categories` explain the ids of an array of results. Without it `image_id` must be a
   * file name and `category_id` a label.
   */
  index?: unknown;
  /** The classes of the data set. Two categories that mean the same class are refused. */
  classes?: readonly string[];
  /** Whether `bbox` is two corners. Default: a corner, width and height, as the format says. */
  corners?: boolean | undefined;
  /** Called with a warning for each thing that was matched, assumed or not used. */
  onWarning?: OnWarning | undefined;
}

/**
 * Reads a COCO file into one prediction per image. Categories keep the file's spelling, except for known misspellings of the published
 * files (see `canonicalLabel`).
 *
 * @throws InputError for ids that are unknown or ambiguous, for invalid boxes and scores, and for a value that is not a COCO file
 */
export function readCoco(parsed: unknown, options: CocoOptions = {}): Prediction[] {
  const { source = 'COCO file', corners = false, onWarning = () => {} } = options;
  if (!Array.isArray(parsed) && !isObject(parsed)) {
    throw new InputError(`${source} is not a COCO file`, { expected: 'an array of results, or an object' });
  }
  const results = Array.isArray(parsed) ? records({ results: parsed }, 'results', source) : undefined;
  const index = results ? (options.index ?? {}) : parsed;
  const annotations = results ?? records(parsed, 'annotations', source);

  const images = imagesIn(index, source);
  const labels = labelsIn(index, source, options.classes ?? []);
  const known = { images: images.size() > 0, labels: labels.size() > 0 };
  const ids = new Set<unknown>();
  const otherScores = new Set<string>();
  let [scored, repeated] = [0, 0];
  for (const [i, annotation] of annotations.entries()) {
    const { id, image_id, category_id, bbox } = annotation;
    if (id !== undefined && ids.has(id)) repeated += 1;
    ids.add(id);
    for (const key of Object.keys(annotation)) if (OTHER_SCORE.test(key)) otherScores.add(key);
    const where = `${source}: result ${i + 1}`;
    const prediction = images.get(image_id) ?? (known.images ? undefined : newImage(images, image_id));
    if (!prediction) {
      throw new InputError(`${where} belongs to no image`, {
        given: `image_id ${brief(image_id)}`,
        hint: 'Ids that are numbers need the annotation file with "images" and "categories" beside the results.',
      });
    }
    const named = typeof category_id === 'string' && !known.labels ? canonicalLabel(category_id.trim()) : undefined;
    const label = labels.get(category_id) ?? named;
    if (label === undefined) {
      throw new InputError(`${where} belongs to no category`, { given: `category_id ${brief(category_id)}` });
    }
    const score = scoreIn(annotation, where);
    scored += score === undefined ? 0 : 1;
    if (scored > 0 && scored !== i + 1) {
      throw new InputError(`${where} has ${score === undefined ? 'no' : 'a'} score, unlike those before it`, {
        expected: 'a score for every box, or for none',
      });
    }
    const finding: Finding = { label, score: score ?? 1, box: boxIn(bbox, corners, where) };
    (prediction.findings as Finding[]).push(finding);
  }
  const say = (code: Warning['code'], message: string) => onWarning({ code, message: `${source}: ${message}` });
  if (!results && options.index !== undefined)
    say('ignored-data', 'the file has images and categories of its own; the index beside it was not used.');
  if (annotations.length > 0 && scored === 0)
    say('assumed-data', 'no box has a score; every box counts with a score of 1.');
  if (otherScores.size > 0) say('ignored-data', `"score" counts; not used: ${listed(otherScores)}.`);
  if (repeated > 0)
    say('assumed-data', `${repeated} results have an id that another has too; each counts as a box of its own.`);
  const texts = [images.respelled() && 'image ids', labels.respelled() && 'category ids'].filter((each) => each);
  if (texts.length > 0) {
    const both = texts.join(' and ');
    say('matched-names', `${both} are numbers in one place and text in the other; they were taken for the same.`);
  }
  return images.all();
}

/** Keys that look like a score but are not part of the format. */
const OTHER_SCORE = /^(?:prob(?:s|ability|abilities)?|conf(?:idence)?|scores)$/i;

type Images = ReturnType<typeof idMap<Prediction>>;

function imagesIn(index: unknown, source: string): Images {
  const images = idMap<Prediction>(`${source}: image`);
  const paths = new Map<string, string>();
  for (const { id, file_name, width, height, probabilities } of records(index, 'images', source)) {
    if (!isId(id) || typeof file_name !== 'string') throw new InputError(`${source}: an image without id or file_name`);
    const image = fileName(file_name);
    const other = paths.get(image);
    if (other !== undefined) throw new InputError(`${source}: ${other} and ${file_name} are two images of one name`);
    paths.set(image, file_name);
    images.set(id, {
      image,
      ...sizeIn({ width, height }, `${source}: ${image}`),
      probabilities: probabilitiesByLabel(probabilities, `${source}: probabilities of ${image}`),
      findings: [],
    });
  }
  return images;
}

/** Adds an image that is known only from a result, whose id must be the file's name. */
function newImage(images: Images, id: unknown): Prediction | undefined {
  if (typeof id !== 'string') return undefined;
  const prediction: Prediction = { image: fileName(id), findings: [] };
  images.set(id, prediction);
  return prediction;
}

function labelsIn(index: unknown, source: string, classes: readonly string[]) {
  const labels = idMap<string>(`${source}: category`);
  const { match } = labelNames(classes);
  const names = new Map<string, string>();
  for (const { id, name } of records(index, 'categories', source)) {
    if (!isId(id) || typeof name !== 'string') throw new InputError(`${source}: a category without id or name`);
    const meant = match(name) ?? name.trim();
    const other = names.get(meant);
    if (other !== undefined) {
      const [one, two] = [brief(other), brief(name)];
      const what = other === name ? `two categories are called ${one}` : `two categories mean ${meant}: ${one}, ${two}`;
      throw new InputError(`${source}: ${what}`, { expected: 'one category per class' });
    }
    names.set(meant, name);
    labels.set(id, canonicalLabel(name.trim()));
  }
  return labels;
}

function scoreIn({ score }: Record<string, unknown>, where: string): number | undefined {
  if (score === undefined || score === null) return undefined;
  if (Number.isFinite(score)) return score as number;
  throw new InputError(`${where} has no score`, { expected: 'a finite number', given: `score ${brief(score)}` });
}

function boxIn(bbox: unknown, corners: boolean, where: string): Box {
  const sides = Array.isArray(bbox) && bbox.length === 4 && bbox.every(Number.isFinite) ? bbox : [];
  const [x, y, third, fourth] = sides;
  const [width, height] = corners ? [third - x, fourth - y] : [third, fourth];
  if (width > 0 && height > 0) return { x, y, width, height };
  throw new InputError(`${where} has no box`, {
    expected: `bbox ${corners ? '[x1, y1, x2, y2]' : '[x, y, width, height]'} of finite numbers, with an area`,
    given: `bbox ${brief(bbox)}`,
  });
}

/** Maps ids to values. Programs mix numbers and texts, so the number 7 and the text "7" are taken for the same id. */
function idMap<T>(what: string) {
  const exact = new Map<Id, T>();
  const byText = new Map<string, T>();
  let respelled = false;
  return {
    set(id: Id, value: T) {
      if (byText.has(String(id))) throw new InputError(`${what} id ${brief(id)} is given twice`);
      exact.set(id, value);
      byText.set(String(id), value);
    },
    get(id: unknown): T | undefined {
      if (!isId(id)) return undefined;
      const value = exact.get(id) ?? byText.get(String(id));
      respelled ||= value !== undefined && !exact.has(id);
      return value;
    },
    size: () => exact.size,
    respelled: () => respelled,
    all: () => [...exact.values()],
  };
}
