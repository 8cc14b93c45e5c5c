/**
 * Segmentations in COCO's annotation files (Lin et al. 2014, cocodataset.org/#format-data): polygons, or masks as run lengths. An annotation
 * is one finding. Several polygons of an annotation are its parts, and all of them are filled, so only run lengths can describe holes.
 */
import { InputError } from '../../errors.js';
import { brief } from '../brief.js';
import { isObject } from '../checks.js';
import { fileName } from '../findings.js';
import { maskIn } from './chexlocalize.js';
import { polygonOfNumbers } from './points.js';
import { type Polygon, polygonMask } from './polygon.js';
import { checkMaskSize, type Rle, rleArea, rleString, rleUnion } from './rle.js';
import { boxAround, type Shape, type ShapedImage, type ShapeFile } from './shapes.js';

/** Whether a value has the form of a COCO file: lists of images and annotations. */
export const isCocoShapes = (value: unknown): value is Record<string, unknown> =>
  isObject(value) && Array.isArray(value.images) && Array.isArray(value.annotations);

/** Whether a value is a list of COCO results with segmentations, of which each gives the ids of its image and its category. */
export const isCocoResults = (value: unknown): value is Record<string, unknown>[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((each) => isObject(each) && 'image_id' in each && 'category_id' in each && 'segmentation' in each);

/**
 * Reads a list of COCO results with segmentations. Several results of a finding in an image are its parts, whatever their scores are.
 * @param index the parsed annotation file with the `images` and `categories` whose ids the results give
 * @throws InputError as `readCocoShapes` does, and without such a file
 */
export function readCocoResults(results: Record<string, unknown>[], index: unknown, source: string): ShapeFile {
  if (!isCocoShapes(index)) {
    throw new InputError(`${source}: COCO results only give ids of images and categories`, {
      expected: 'a COCO annotation file beside them, with "images", "categories" and "annotations"',
      given: index === undefined ? 'none' : brief(index),
      hint: 'name it with --coco-index (readShapes: index)',
    });
  }
  const file = readCocoShapes({ ...index, annotations: results }, source);
  return { ...file, format: "COCO's results", scored: results.some(({ score }) => score !== undefined) };
}

/**
 * @throws InputError for ids that are unknown or given twice, for masks of another size than their image, and if some annotations have a
 *   segmentation and others only a box
 */
export function readCocoShapes(parsed: Record<string, unknown>, source: string): ShapeFile {
  const labels = new Map<unknown, string>();
  for (const { id, name } of objectsIn(parsed, 'categories', source)) {
    if (typeof name !== 'string' || labels.has(id)) {
      throw new InputError(`${source}: categories need names and different ids`, { given: brief(name ?? id) });
    }
    labels.set(id, name);
  }
  const read = [...new Set(labels.values())];
  const images = new Map<unknown, ShapedImage>();
  for (const { id, file_name: name, width, height } of objectsIn(parsed, 'images', source)) {
    if (typeof name !== 'string' || images.has(id)) {
      throw new InputError(`${source}: images need file names and different ids`, { given: brief(name ?? id) });
    }
    if (width !== undefined || height !== undefined) checkMaskSize(width, height, `${source}: ${name}`);
    const size = { width: width as number | undefined, height: height as number | undefined };
    images.set(id, { image: fileName(name), ...size, marks: [], read });
  }
  const forms = new Set<ShapeFile['form']>();
  for (const [i, annotation] of objectsIn(parsed, 'annotations', source).entries()) {
    const image = images.get(annotation.image_id);
    const label = labels.get(annotation.category_id);
    if (!image || label === undefined) {
      throw new InputError(`${source}: annotation ${i + 1} belongs to no ${image ? 'category' : 'image'}`, {
        given: brief(image ? annotation.category_id : annotation.image_id),
      });
    }
    const shape = shapeIn(annotation, image, `${source}: annotation ${i + 1} of ${image.image}, ${label}`);
    forms.add('box' in shape ? 'boxes' : 'masks');
    image.marks.push({ label, shape });
  }
  if (forms.size > 1) {
    throw new InputError(`${source}: some annotations have a segmentation, and others only a box`, {
      expected: 'one form of truth in a file, because boxes and outlines give different scores',
    });
  }
  return { format: "COCO's annotations", form: [...forms][0] ?? 'masks', images: [...images.values()] };
}

function objectsIn(holder: Record<string, unknown>, key: string, source: string): Record<string, unknown>[] {
  const value = holder[key];
  if (Array.isArray(value) && value.every(isObject)) return value;
  throw new InputError(`${source}: "${key}" is no list of objects`, { given: brief(value) });
}

function shapeIn({ segmentation, bbox }: Record<string, unknown>, image: ShapedImage, where: string): Shape {
  if (isObject(segmentation)) {
    const mask = maskIn(segmentation, where);
    const { width = mask.width, height = mask.height } = image;
    if (mask.width !== width || mask.height !== height) {
      throw new InputError(`${where}: the mask has another size than its image`, {
        expected: `${width} × ${height}`,
        given: `${mask.width} × ${mask.height}`,
      });
    }
    if (rleArea(mask) === 0) throw new InputError(`${where}: the mask is empty`, { hint: 'leave the annotation out' });
    Object.assign(image, { width, height });
    return { mask, boxes: [boxAround(mask)] };
  }
  if (Array.isArray(segmentation) && segmentation.length > 0) {
    return { polygons: segmentation.map((each) => polygonOfNumbers(each, where)) };
  }
  if (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every(Number.isFinite) || bbox[2] <= 0 || bbox[3] <= 0) {
    throw new InputError(`${where} has neither a segmentation nor a box`, {
      expected: '[[x, y, x, y, …], …], {"size", "counts"}, or "bbox": [x, y, width, height]',
      given: brief(segmentation ?? bbox),
    });
  }
  const [x, y, width, height] = bbox as number[];
  return { box: { x, y, width, height } };
}

/** An image with findings to be written. */
export interface MaskedImage {
  image: string;
  width: number;
  height: number;
  findings: MaskedFinding[];
}

/** A finding to be written: its mask, or the polygons that are its parts. */
export interface MaskedFinding {
  label: string;
  segmentation: Rle | readonly Polygon[];
  /** How sure the finding is; only of predictions. With it, `annotations` are valid COCO results. */
  score?: number;
}

/**
 * Findings as a COCO annotation file, with polygons as they are and masks as COCO's strings. Category ids count from 1 in the order of
 * `classes`. Area and box are those of the pixels.
 * @throws InputError for a finding of no listed class, an empty mask, or one of another size than its image
 */
export function toCocoMasks(images: Iterable<MaskedImage>, classes: readonly string[]) {
  const categories = classes.map((name, i) => ({ id: i + 1, name }));
  const idOf = new Map(categories.map(({ id, name }) => [name, id]));
  const all = [...images];
  const annotations = all.flatMap(({ image, width, height, findings }, i) =>
    findings.map(({ label, segmentation, score }) => {
      const category = idOf.get(label);
      if (category === undefined) {
        throw new InputError(`${image}: a finding of no listed class`, { expected: classes.join(', '), given: label });
      }
      const isMask = 'runs' in segmentation;
      const parts = isMask ? [segmentation] : segmentation.map((each) => polygonMask(each, width, height));
      const mask = rleUnion(parts);
      if (mask.width !== width || mask.height !== height) {
        throw new InputError(`${image}, ${label}: the mask has another size than its image`, {
          expected: `${width} × ${height}`,
          given: `${mask.width} × ${mask.height}`,
        });
      }
      if (rleArea(mask) === 0) throw new InputError(`${image}, ${label}: the mask is empty`);
      const { x, y, width: across, height: down } = boxAround(mask);
      return {
        image_id: i + 1,
        category_id: category,
        segmentation: isMask ? { size: [height, width], counts: rleString(segmentation) } : segmentation,
        area: rleArea(mask),
        bbox: [x, y, across, down],
        iscrowd: 0,
        ...(score === undefined ? {} : { score }),
      };
    }),
  );
  return {
    info: { description: 'raybox masks' },
    images: all.map(({ image, width, height }, i) => ({ id: i + 1, file_name: image, width, height })),
    categories,
    annotations: annotations.map((each, i) => ({ id: i + 1, ...each })),
  };
}
