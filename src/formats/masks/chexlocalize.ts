/**
 * Reads the files of CheXlocalize (Saporta et al. 2022, github.com/rajpurkarlab/cheXlocalize): segmentations, which are a mask in COCO's run
 * lengths for each image and finding, and annotations, which are polygons. Both give the height first, then the width.
 */
import { InputError } from '../../errors.js';
import { brief } from '../brief.js';
import { isObject } from '../checks.js';
import { fileName } from '../findings.js';
import { maskComponents } from './components.js';
import { polygonOfPoints } from './points.js';
import { checkMaskSize, type Rle, readRleString, rleArea, rleOf } from './rle.js';
import type { Shape, ShapedImage, ShapeFile } from './shapes.js';

/** `{size: [height, width], counts}` as a mask, with COCO's string or a list of run lengths as counts. @throws InputError for other values */
export function maskIn(value: unknown, where: string): Rle {
  const { size, counts } = isObject(value) ? value : {};
  if (!Array.isArray(size) || size.length !== 2 || !(typeof counts === 'string' || Array.isArray(counts))) {
    throw new InputError(`${where} is no mask`, {
      expected: '{"size": [height, width], "counts": "…"}',
      given: brief(value),
    });
  }
  const [height, width] = size;
  checkMaskSize(width, height, where);
  return typeof counts === 'string'
    ? readRleString(counts, width, height, where)
    : rleOf(counts as number[], width, height, where);
}

/** Whether a value has the form of CheXlocalize's segmentations: by image and finding, a mask with `counts`. */
export const isSegmentations = (value: unknown): boolean =>
  isObject(value) &&
  Object.values(value).every(
    (each) => isObject(each) && Object.values(each).every((mask) => isObject(mask) && 'counts' in mask),
  );

/** Whether a value has the form of CheXlocalize's annotations: by image, contours with `img_size`. */
export const isAnnotations = (value: unknown): boolean =>
  isObject(value) && Object.values(value).every((each) => isObject(each) && 'img_size' in each);

/**
 * A file of segmentations: truth, or predictions. A finding whose mask is empty was looked for and not found.
 * @throws InputError for an invalid mask, and for masks of different sizes in one image
 */
export function readSegmentations(parsed: Record<string, unknown>, source: string): ShapeFile {
  const images = Object.entries(parsed).map(([name, masks]): ShapedImage => {
    let size: Rle | undefined;
    const read = Object.keys(masks as object);
    const marks = Object.entries(masks as Record<string, unknown>).flatMap(([label, value]) => {
      const where = `${source}: ${name}, ${label}`;
      const mask = maskIn(value, where);
      size ??= mask;
      if (mask.width !== size.width || mask.height !== size.height) {
        throw new InputError(`${where}: two masks of this image have different sizes`, {
          expected: `${size.width} × ${size.height}`,
          given: `${mask.width} × ${mask.height}`,
        });
      }
      // A mask may show several findings with the same label, and the file does not separate them. So each connected part counts as one.
      return rleArea(mask) === 0 ? [] : [{ label, shape: { mask, boxes: maskComponents(mask) } satisfies Shape }];
    });
    return { image: fileName(name), width: size?.width, height: size?.height, marks, read };
  });
  return { format: "CheXlocalize's segmentations", form: 'masks', images };
}

/** A file of annotations. @throws InputError for an invalid polygon or size */
export function readAnnotations(parsed: Record<string, unknown>, source: string): ShapeFile {
  const labels = new Set(Object.values(parsed).flatMap((each) => Object.keys(each as object)));
  labels.delete('img_size');
  const read = [...labels];
  const images = Object.entries(parsed).map(([name, value]): ShapedImage => {
    const { img_size: size, ...findings } = value as Record<string, unknown>;
    const [height, width] = Array.isArray(size) && size.length === 2 ? size : [undefined, undefined];
    checkMaskSize(width, height, `${source}: ${name}`);
    const marks = Object.entries(findings).flatMap(([label, polygons]) => {
      const where = `${source}: ${name}, ${label}`;
      if (!Array.isArray(polygons)) throw new InputError(`${where} is no list of polygons`, { given: brief(polygons) });
      return polygons.map((points) => ({ label, shape: { polygons: [polygonOfPoints(points, where)] } }));
    });
    return { image: fileName(name), width, height, marks, read };
  });
  return { format: "CheXlocalize's annotations", form: 'masks', images };
}
