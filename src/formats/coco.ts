/**
 * COCO detection files (Lin et al. 2014, cocodataset.org/#format-results). Two forms are read: the bare array of
 * results, whose ids mean something only beside the annotation file, and an object that carries its own `images` and
 * `categories`. raybox writes the second; `annotations` of it is a valid array of results.
 */
import { InputError } from '../errors.js';
import type { OnWarning } from '../warnings.js';
import { brief } from './checkpoint.js';
import { type Finding, fileName, type Prediction } from './findings.js';
import { canonicalLabel } from './image_table.js';
import { isRecord, probabilitiesByLabel, sizeIn } from './json.js';

export { parseJson } from './json.js';

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

const isId = (value: unknown): value is Id => typeof value === 'string' || Number.isInteger(value);

/** An array of objects under `key`, or an InputError. */
function records(holder: unknown, key: string, source: string): Record<string, unknown>[] {
  const value = isRecord(holder) ? holder[key] : undefined;
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every(isRecord)) return value;
  throw new InputError(`${source}: "${key}" is no list of objects`);
}

/**
 * Reads a COCO file into one prediction per image. Categories stay as the file spells them, but for the published slips.
 *
 * @param index what ids of a bare array of results mean: a parsed annotation file with `images` and `categories`. Without
 *   it `image_id` must be a file name and `category_id` a label.
 * @param onWarning told of ids that are numbers in one place and text in the other, and of scores that are not there
 * @throws InputError for ids that name nothing or two things, boxes that are none, and anything of another shape
 */
export function readCoco(
  parsed: unknown,
  options: { source?: string; index?: unknown; onWarning?: OnWarning } = {},
): Prediction[] {
  const { source = 'COCO file', onWarning = () => {} } = options;
  if (!Array.isArray(parsed) && !isRecord(parsed)) {
    throw new InputError(`${source} is no COCO file`, { expected: 'an array of results, or an object' });
  }
  const results = Array.isArray(parsed) ? records({ results: parsed }, 'results', source) : undefined;
  const index = results ? (options.index ?? {}) : parsed;
  const annotations = results ?? records(parsed, 'annotations', source);

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
      width: sizeIn(width, `${source}: the width of ${image}`),
      height: sizeIn(height, `${source}: the height of ${image}`),
      probabilities: probabilitiesByLabel(probabilities, `${source}: probabilities of ${image}`),
      findings: [],
    });
  }
  const labels = idMap<string>(`${source}: category`);
  const names = new Set<string>();
  for (const { id, name } of records(index, 'categories', source)) {
    if (!isId(id) || typeof name !== 'string') throw new InputError(`${source}: a category without id or name`);
    if (names.has(name.trim())) throw new InputError(`${source}: two categories are called ${brief(name)}`);
    names.add(name.trim());
    labels.set(id, canonicalLabel(name.trim()));
  }
  const known = { images: images.size() > 0, labels: labels.size() > 0 };

  const ids = new Set<unknown>();
  let [scored, repeated] = [0, 0];
  for (const [i, annotation] of annotations.entries()) {
    const { id, image_id, category_id, bbox, score } = annotation;
    if (id !== undefined && ids.has(id)) repeated += 1;
    ids.add(id);
    const where = `${source}: result ${i + 1}`;
    let prediction = images.get(image_id);
    if (!prediction) {
      if (known.images || typeof image_id !== 'string') {
        throw new InputError(`${where} belongs to no image`, {
          given: `image_id ${brief(image_id)}`,
          hint: 'Ids that are numbers need the annotation file with "images" and "categories" beside the results.',
        });
      }
      prediction = { image: fileName(image_id), findings: [] };
      images.set(image_id, prediction);
    }
    const named = typeof category_id === 'string' && !known.labels ? canonicalLabel(category_id.trim()) : undefined;
    const label = labels.get(category_id) ?? named;
    if (label === undefined) {
      throw new InputError(`${where} belongs to no category`, { given: `category_id ${brief(category_id)}` });
    }
    const numbers = Array.isArray(bbox) && bbox.length === 4 && bbox.every(Number.isFinite) ? bbox : undefined;
    const isScored = score !== undefined && score !== null;
    if (!numbers || numbers[2] <= 0 || numbers[3] <= 0 || (isScored && !Number.isFinite(score))) {
      throw new InputError(`${where} has no box`, {
        expected: 'bbox [x, y, width, height] of finite numbers with an area, and a score',
        given: `bbox ${brief(bbox)}, score ${brief(score)}`,
      });
    }
    scored += isScored ? 1 : 0;
    if (scored > 0 && scored !== i + 1) {
      throw new InputError(`${where} ${isScored ? 'has a score' : 'has no score'}, unlike those before it`, {
        expected: 'a score for every box, or for none',
      });
    }
    const [x, y, width, height] = numbers;
    const finding: Finding = { label, score: isScored ? (score as number) : 1, box: { x, y, width, height } };
    (prediction.findings as Finding[]).push(finding);
  }
  if (annotations.length > 0 && scored === 0) {
    onWarning({ code: 'assumed-data', message: `${source}: no box has a score; every box counts with a score of 1.` });
  }
  if (repeated > 0) {
    const message = `${source}: ${repeated} results have an id that another has too; each counts as a box of its own.`;
    onWarning({ code: 'assumed-data', message });
  }
  const texts = [images.respelled() && 'image ids', labels.respelled() && 'category ids'].filter((each) => each);
  if (texts.length > 0) {
    const message = `${source}: ${texts.join(' and ')} are numbers in one place and text in the other; they were taken for the same.`;
    onWarning({ code: 'matched-names', message });
  }
  return images.all();
}

/** What ids stand for. What is the number 7 in one place may be the text "7" in another. */
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
