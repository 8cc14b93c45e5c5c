/** Whether truth boxes and predicted boxes can be in pixels of their images. */
import { counted, InputError } from '../errors.js';
import type { Box, Prediction } from '../formats/findings.js';
import type { LabeledBox } from '../formats/image_table.js';
import type { Warning } from '../warnings.js';
import { boxInImage, isCentred, isInside, likelyBoxFrame, type Size } from './box_frame.js';
import type { Dataset } from './dataset.js';
import { checkImage } from './image_file_check.js';

/**
 * Images with boxes get the size of their file where the predictions do not say it. What predictions say holds, since
 * they may have been made on larger copies of the images, but a size that the file of an image with truth boxes does not
 * have is told: the boxes may not be in one frame.
 */
export async function withSizes(
  predictions: readonly Prediction[],
  { boxes, paths }: Dataset,
): Promise<{ predictions: Prediction[]; warnings: Warning[] }> {
  const boxed = new Set(boxes.map(({ image }) => image));
  const sized: Prediction[] = [];
  const different: string[] = [];
  for (const prediction of predictions) {
    const path = paths.get(prediction.image);
    const wanted = boxed.has(prediction.image) || (!prediction.width && prediction.findings?.length);
    const size = path && wanted ? await checkImage(path).catch(() => undefined) : undefined;
    const said = sizeOf(prediction);
    if (size && said && (size.width !== said.width || size.height !== said.height)) {
      different.push(`${prediction.image}, ${said.width}×${said.height} for ${size.width}×${size.height}`);
    }
    sized.push(size && !said ? { ...prediction, width: size.width, height: size.height } : prediction);
  }
  const message = `Predictions give ${counted(different.length, 'image')} with boxes another size than their files have; the first: ${different[0]}. Predicted and truth boxes were compared in pixels of the size that the predictions give.`;
  return { predictions: sized, warnings: different.length > 0 ? [{ code: 'assumed-data', message }] : [] };
}

const sizeOf = ({ width, height }: Prediction): Size | undefined => (width && height ? { width, height } : undefined);

/**
 * Truth boxes in pixels of their images.
 *
 * @throws InputError where a box's centre is outside its image: it belongs to another frame, and no score would mean anything
 */
export function boxesInImages(
  predictions: readonly Prediction[],
  boxes: readonly LabeledBox[],
  frame?: number,
): { boxes: LabeledBox[]; warnings: Warning[] } {
  const sizes = sizesOf(predictions);
  const leaving = new Set<string>();
  const placed = boxes.map((each) => {
    const size = sizes.get(each.image);
    if (!size) return each;
    const box = boxInImage(each.box, size, frame);
    if (!isCentred(box, size)) {
      const likely = frame === undefined ? likelyBoxFrame(boxes, sizes) : undefined;
      throw new InputError(`a box of ${each.label} lies outside ${each.image}`, {
        expected: `pixels of an image of ${size.width}×${size.height}`,
        given: sidesOf(box),
        hint:
          likely === undefined
            ? 'published boxes on images that were made smaller need the frame of 1024 (--box-frame 1024)'
            : `the boxes seem to be in a frame of ${likely}: --box-frame ${likely}`,
      });
    }
    if (!isInside(box, size)) leaving.add(each.image);
    return { ...each, box };
  });
  return { boxes: placed, warnings: reaching(leaving.size, 'truth', [...leaving][0]) };
}

/**
 * Whether predicted boxes can be in pixels of their images.
 *
 * @throws InputError where a box's centre is outside its image, or all boxes are fractions of their images
 */
export function checkPlaces(predictions: readonly Prediction[]): Warning[] {
  const found = predictions.flatMap(({ image, findings = [] }) =>
    findings.map(({ label, box }) => ({ image, label, box })),
  );
  if (found.length > 0 && found.every(({ box }) => box.x + box.width <= 1 && box.y + box.height <= 1)) {
    throw new InputError('no predicted box reaches beyond the first pixel of its image', {
      expected: 'boxes in pixels of the image file',
      given: `${found[0]!.image}: ${Object.values(found[0]!.box).join(', ')}`,
      hint: 'boxes in fractions of the image must be multiplied by its width and height',
    });
  }
  const sizes = sizesOf(predictions);
  const leaving = new Set<string>();
  for (const { image, label, box } of found) {
    const size = sizes.get(image);
    if (!size) continue;
    if (!isCentred(box, size)) {
      const likely = likelyBoxFrame(found, sizes);
      const scale = 'and of the truth boxes --box-frame says their frame';
      throw new InputError(`a predicted box of ${label} lies outside ${image}`, {
        expected: `pixels of an image of ${size.width}×${size.height}`,
        given: sidesOf(box),
        hint:
          likely === undefined
            ? `predicted boxes count in pixels of the image file, or of the width and height that the predictions give; ${scale} (--box-frame 1024 for published ones)`
            : `the predicted boxes seem to be in a frame of ${likely}: give "width": ${likely}, "height": ${likely} beside them (JSON lines, COCO), or scale them; ${scale} (--box-frame ${likely})`,
      });
    }
    if (!isInside(box, size)) leaving.add(image);
  }
  return [...reaching(leaving.size, 'predicted', [...leaving][0]), ...crowded(found, sizes)];
}

/** In so many images, boxes of a network or a person do not all lie in one corner. */
const ENOUGH_IMAGES = 10;

/** Boxes in pixels of smaller copies are inside the images, and all near their first corner. */
function crowded(found: readonly { image: string; box: Box }[], sizes: ReadonlyMap<string, Size>): Warning[] {
  const placed = found.filter(({ image }) => sizes.has(image));
  const isNear = ({ image, box }: { image: string; box: Box }) => {
    const { width, height } = sizes.get(image)!;
    return box.x + box.width <= width / 2 && box.y + box.height <= height / 2;
  };
  if (new Set(placed.map(({ image }) => image)).size < ENOUGH_IMAGES || !placed.every(isNear)) return [];
  const most = placed.reduce((extent, { box }) => Math.max(extent, box.x + box.width, box.y + box.height), 0);
  const message = `All ${placed.length} predicted boxes lie in the first quarter of their images, within ${Math.ceil(most)} pixels: are they in pixels of smaller copies? They were scored as they are.`;
  return [{ code: 'assumed-data', message }];
}

/** @param images how many have a box that passes an edge */
function reaching(images: number, kind: string, first: string | undefined): Warning[] {
  if (images === 0) return [];
  const message = `${counted(images, 'image')} ${images === 1 ? 'has' : 'have'} ${kind} boxes that reach beyond an edge; the first: ${first}. They were scored as they are.`;
  return [{ code: 'assumed-data', message }];
}

function sizesOf(predictions: readonly Prediction[]): Map<string, Size> {
  return new Map(
    predictions.flatMap((prediction) => {
      const size = sizeOf(prediction);
      return size ? [[prediction.image, size] as const] : [];
    }),
  );
}

const sidesOf = ({ x, y, width, height }: Box) => [x, y, width, height].map((side) => side.toFixed(1)).join(', ');
