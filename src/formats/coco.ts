/**
 * COCO detection files (Lin et al. 2014, cocodataset.org/#format-results). Two forms are read: the bare array of
 * results, whose ids mean something only beside the annotation file, and an object that carries its own `images` and
 * `categories`. raybox writes the second; `annotations` of it is a valid array of results.
 */
import { InputError } from '../errors.js';
import { type Finding, fileName, type Prediction } from './findings.js';
import { canonicalLabel } from './image_table.js';

type Id = number | string;

interface CocoImage {
  id: Id;
  file_name: string;
  width?: number;
  height?: number;
  /** raybox's own addition: image-level probabilities by category name. */
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
  info: { description: string };
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

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isId = (value: unknown): value is Id => typeof value === 'string' || Number.isInteger(value);

/** An array of objects under `key`, or an InputError. */
function records(holder: unknown, key: string, source: string): Record<string, unknown>[] {
  const value = isRecord(holder) ? holder[key] : undefined;
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every(isRecord)) return value;
  throw new InputError(`${source}: "${key}" is no list of objects`);
}

/** Numbers by label from an untrusted object; undefined where there is none. */
export function numbersByLabel(value: unknown, where: string): Record<string, number> | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isRecord(value) || !Object.values(value).every((number) => Number.isFinite(number))) {
    throw new InputError(`${where} should be numbers by label`, { given: JSON.stringify(value).slice(0, 80) });
  }
  return Object.fromEntries(Object.entries(value).map(([name, number]) => [canonicalLabel(name), number as number]));
}

/** Parses JSON, with an error that names the file. */
export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw new InputError(`${source} is no JSON`, { given: (error as Error).message, cause: error });
  }
}

/**
 * Reads a COCO file into one prediction per image.
 *
 * @param index what ids of a bare array of results mean: a parsed annotation file with `images` and `categories`. Without
 *   it `image_id` must be a file name and `category_id` a label.
 * @throws InputError for ids that name nothing, boxes that are none, and anything of another shape
 */
export function readCoco(parsed: unknown, options: { source?: string; index?: unknown } = {}): Prediction[] {
  const { source = 'COCO file' } = options;
  if (!Array.isArray(parsed) && !isRecord(parsed)) {
    throw new InputError(`${source} is no COCO file`, { expected: 'an array of results, or an object' });
  }
  const results = Array.isArray(parsed) ? records({ results: parsed }, 'results', source) : undefined;
  const index = results ? (options.index ?? {}) : parsed;
  const annotations = results ?? records(parsed, 'annotations', source);

  const predictions = new Map<Id, Prediction>();
  for (const { id, file_name, width, height, probabilities } of records(index, 'images', source)) {
    if (!isId(id) || typeof file_name !== 'string') throw new InputError(`${source}: an image without id or file_name`);
    const image = fileName(file_name);
    predictions.set(id, {
      image,
      width: Number(width) || undefined,
      height: Number(height) || undefined,
      probabilities: numbersByLabel(probabilities, `${source}: probabilities of ${image}`),
      findings: [],
    });
  }
  const labels = new Map<Id, string>();
  for (const { id, name } of records(index, 'categories', source)) {
    if (!isId(id) || typeof name !== 'string') throw new InputError(`${source}: a category without id or name`);
    labels.set(id, canonicalLabel(name));
  }
  const known = { images: predictions.size > 0, labels: labels.size > 0 };

  for (const [i, annotation] of annotations.entries()) {
    const { image_id, category_id, bbox, score = 1 } = annotation;
    const where = `${source}: result ${i + 1}`;
    let prediction = predictions.get(image_id as Id);
    if (!prediction) {
      if (known.images || typeof image_id !== 'string') {
        throw new InputError(`${where} belongs to no image`, {
          given: `image_id ${JSON.stringify(image_id)}`,
          hint: 'Ids that are numbers need the annotation file with "images" and "categories" beside the results.',
        });
      }
      prediction = { image: fileName(image_id), findings: [] };
      predictions.set(image_id, prediction);
    }
    const named = typeof category_id === 'string' && !known.labels ? canonicalLabel(category_id) : undefined;
    const label = labels.get(category_id as Id) ?? named;
    if (label === undefined) {
      throw new InputError(`${where} belongs to no category`, { given: `category_id ${JSON.stringify(category_id)}` });
    }
    const numbers = Array.isArray(bbox) && bbox.length === 4 && bbox.every(Number.isFinite) ? bbox : undefined;
    if (!numbers || numbers[2] <= 0 || numbers[3] <= 0 || !Number.isFinite(score)) {
      throw new InputError(`${where} has no box`, {
        expected: 'bbox [x, y, width, height] of finite numbers with an area, and a score',
        given: JSON.stringify({ bbox, score }).slice(0, 120),
      });
    }
    const [x, y, width, height] = numbers;
    const finding: Finding = { label, score: score as number, box: { x, y, width, height } };
    (prediction.findings as Finding[]).push(finding);
  }
  return [...predictions.values()];
}
