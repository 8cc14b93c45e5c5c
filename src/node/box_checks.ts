/** Checks whether truth boxes and predicted boxes can be in pixels of their images. */
import { counted, InputError } from '../errors.js';
import { fromCorners, likelyCorners, type Whose } from '../evaluate/box_corners.js';
import { boxInImage, isCentred, isInside, likelyBoxFrame, type Size, scaledBox } from '../evaluate/box_frame.js';
import type { LabeledBox } from '../formats/data_sets/image_table.js';
import type { Box, Prediction } from '../formats/findings.js';
import type { Warning } from '../warnings.js';
import type { Dataset } from './dataset.js';
import { checkImage } from './images/image_file_check.js';

/** A prediction with sizes. */
export interface Sized {
  prediction: Prediction;
  /** Size of the image in whose pixels boxes and points are given. */
  frame: Size | undefined;
  /** Size of the image file. */
  file: Size | undefined;
}

/**
 * Looks up sizes. Predicted boxes are in pixels of the size that the predictions give, since they may have been made on larger or smaller
 * copies. If none is given, they are in pixels of the image file. Only files of images with boxes or points are read.
 *
 * @throws InputError if predictions have width and height swapped.
 */
export async function withSizes(predictions: readonly Prediction[], { boxes, paths }: Dataset): Promise<Sized[]> {
  const boxed = new Set(boxes.map(({ image }) => image));
  const sized: Sized[] = [];
  for (const prediction of predictions) {
    const said = sizeOf(prediction);
    const path = paths.get(prediction.image);
    const isWanted = boxed.has(prediction.image) || (!said && (prediction.findings || prediction.points));
    const file = path && isWanted ? await checkImage(path).catch(() => undefined) : undefined;
    if (file && said && said.width !== said.height && said.width === file.height && said.height === file.width) {
      throw new InputError(`${prediction.image}: width and height are the wrong way round`, {
        expected: `the file's ${textOf(file)}`,
        given: `${textOf(said)} in the predictions`,
      });
    }
    sized.push({ prediction, frame: said ?? file, file });
  }
  return sized;
}

const sizeOf = ({ width, height }: Prediction): Size | undefined => (width && height ? { width, height } : undefined);
const textOf = ({ width, height }: Size) => `${width}×${height}`;

/** Scales boxes and points to pixels of the image files, if their sizes are known. A warning says what was scaled. */
export function inFilePixels(all: readonly Sized[]): { predictions: Prediction[]; warnings: Warning[] } {
  const scaled: string[] = [];
  const predictions = all.map(({ prediction, frame, file = frame }) => {
    if (!frame || !file) return prediction;
    const { width, height } = file;
    if (frame.width === width && frame.height === height) return { ...prediction, width, height };
    scaled.push(`${prediction.image}, ${textOf(frame)} for ${textOf(file)}`);
    const [right, down] = [width / frame.width, height / frame.height];
    const { findings, points } = prediction;
    return {
      ...{ ...prediction, width, height },
      ...(findings && { findings: findings.map((each) => ({ ...each, box: scaledBox(each.box, right, down) })) }),
      ...(points && {
        points: Object.fromEntries(
          Object.entries(points).map(([label, [x, y]]): [string, [number, number]] => [label, [x * right, y * down]]),
        ),
      }),
    };
  });
  const message = `Predictions give ${counted(scaled.length, 'image')} with truth boxes another size than their files have; the first: ${scaled[0]}. Their boxes and points were scaled to the files' pixels.`;
  return { predictions, warnings: scaled.length > 0 ? [{ code: 'assumed-data', message }] : [] };
}

export interface TruthOptions {
  /** Side of the square frame that the boxes are given in. Default: boxes are in pixels of the image files. */
  frame?: number | undefined;
  /** Whether the user or the file has said how boxes are written. If not, they may be corners. */
  isFormKnown: boolean;
}

/**
 * Converts truth boxes to pixels of their images.
 *
 * @param sizes sizes of the image files, or without files those of the predictions.
 * @throws InputError if boxes are probably corners, or if a box's centre is outside its image. It is then given in another frame, and
 *   scores would be meaningless.
 */
export function boxesInImages(
  boxes: readonly LabeledBox[],
  sizes: ReadonlyMap<string, Size>,
  { frame, isFormKnown }: TruthOptions,
): { boxes: LabeledBox[]; warnings: Warning[] } {
  const frameOf = (image: string) => (frame ? { width: frame, height: frame } : sizes.get(image));
  const warnings = isFormKnown ? [] : checkForm('truth', boxes, frameOf);
  const leaving = new Set<string>();
  const placed = boxes.map((each) => {
    const size = sizes.get(each.image);
    if (!size) return each;
    const box = boxInImage(each.box, size, frame);
    if (!isCentred(box, size)) throw outside(each, box, size, frame ? undefined : frameHint(boxes, sizes));
    if (!isInside(box, size)) leaving.add(each.image);
    return { ...each, box };
  });
  return { boxes: placed, warnings: [...warnings, ...reaching(leaving.size, 'truth', [...leaving][0])] };
}

const outside = ({ image, label }: LabeledBox, box: Box, size: Size, hint: string | undefined) =>
  new InputError(`a box of ${label} lies outside ${image}`, {
    expected: `pixels of an image of ${textOf(size)}`,
    given: sidesOf(box),
    hint: hint ?? 'published boxes on images that were made smaller need the frame of 1024 (--box-frame 1024)',
  });

/** A hint about the frame in which truth boxes seem to be given. If they can be corners, they are taken for corners. */
function frameHint(boxes: readonly LabeledBox[], sizes: ReadonlyMap<string, Size>): string | undefined {
  const asCorners = likelyCorners(boxes.map(({ box }) => ({ box, size: undefined })));
  const read = asCorners ? boxes.map((each) => ({ ...each, box: fromCorners(each.box) })) : boxes;
  const likely = likelyBoxFrame(read, sizes);
  if (likely === undefined) return undefined;
  return asCorners
    ? `the boxes seem to be corners in a frame of ${likely}: --corners truth --box-frame ${likely}`
    : `the boxes seem to be in a frame of ${likely}: --box-frame ${likely}`;
}

/**
 * Warns about boxes that may be corners that were read as sizes.
 * @throws InputError if they surely are.
 */
function checkForm(
  whose: Whose,
  boxes: readonly { image: string; box: Box }[],
  sizeFor: (image: string) => Size | undefined,
): Warning[] {
  const likely = likelyCorners(boxes.map(({ image, box }) => ({ box, size: sizeFor(image) })));
  if (likely === undefined) return [];
  const kind = whose === 'truth' ? 'truth boxes' : 'predicted boxes';
  const options = `--corners ${whose} if they are, --corners none if they are not`;
  if (likely === 'surely') {
    const isPassing = ({ image, box }: { image: string; box: Box }) => {
      const size = sizeFor(image);
      return size !== undefined && !isInside(box, size);
    };
    const first = boxes.find(isPassing)!;
    throw new InputError(`the ${kind} seem to be corners, x1, y1, x2, y2`, {
      expected: 'x, y, width, height inside the images',
      given: `boxes that pass the edges of their images as sizes, and none as corners; the first: ${first.image}, ${sidesOf(first.box)}`,
      hint: options,
    });
  }
  const message = `The ${kind} could be corners (x1, y1, x2, y2), and were read as x, y, width, height: ${options}.`;
  return [{ code: 'assumed-data', message }];
}

/**
 * Checks that predicted boxes and points can be in pixels of their images.
 *
 * @throws InputError if a point or a box's centre is outside its image, if all boxes are fractions of their images, or if they are probably
 *   corners.
 */
export function checkPlaces(all: readonly Sized[], isFormKnown: boolean): Warning[] {
  const sizes = new Map(all.flatMap(({ prediction: { image }, frame }) => (frame ? [[image, frame] as const] : [])));
  const found = all.flatMap(({ prediction: { image, findings = [] } }) =>
    findings.map(({ label, box }) => ({ image, label, box })),
  );
  for (const { prediction } of all) checkPoints(prediction, sizes.get(prediction.image));
  if (found.length > 0 && found.every(({ box }) => box.x + box.width <= 1 && box.y + box.height <= 1)) {
    throw new InputError('no predicted box reaches beyond the first pixel of its image', {
      expected: 'boxes in pixels of the image file',
      given: `${found[0]!.image}: ${Object.values(found[0]!.box).join(', ')}`,
      hint: 'boxes in fractions of the image must be multiplied by its width and height',
    });
  }
  const warnings = isFormKnown ? [] : checkForm('predictions', found, (image) => sizes.get(image));
  const leaving = new Set<string>();
  for (const each of found) {
    const size = sizes.get(each.image);
    if (!size) continue;
    if (!isCentred(each.box, size)) throw predictedOutside(each, size, likelyBoxFrame(found, sizes));
    if (!isInside(each.box, size)) leaving.add(each.image);
  }
  return [...warnings, ...reaching(leaving.size, 'predicted', [...leaving][0]), ...crowded(found, sizes)];
}

function predictedOutside({ image, label, box }: LabeledBox, size: Size, likely: number | undefined): InputError {
  const truth = 'Of truth boxes --box-frame says the frame';
  return new InputError(`a predicted box of ${label} lies outside ${image}`, {
    expected: `pixels of an image of ${textOf(size)}`,
    given: sidesOf(box),
    hint:
      likely === undefined
        ? `predicted boxes count in pixels of the image file, or of the width and height that the predictions give beside them. ${truth} (--box-frame 1024 for published ones)`
        : `the predicted boxes seem to be in a frame of ${likely}: give "width": ${likely}, "height": ${likely} beside them (JSON lines, COCO), or scale them. ${truth} (--box-frame ${likely})`,
  });
}

function checkPoints({ image, points = {} }: Prediction, size: Size | undefined): void {
  for (const [label, [x, y]] of Object.entries(points)) {
    const isPlaced = x >= 0 && y >= 0 && (!size || (x <= size.width && y <= size.height));
    if (isPlaced) continue;
    throw new InputError(`the point of ${label} lies outside ${image}`, {
      expected: size ? `[x, y] in pixels of an image of ${textOf(size)}` : '[x, y] in pixels of the image',
      given: `[${x}, ${y}]`,
      hint: 'points count as the predicted boxes do: in pixels of the image file, or of the width and height that the predictions give',
    });
  }
}

/** In fewer images than this, all boxes may lie in the first quarter by chance. */
const ENOUGH_IMAGES = 10;

/** A warning about boxes that may be in pixels of smaller copies of the images: they all lie in the first quarter of their images. */
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

/** @param images how many images have a box that passes an edge. */
function reaching(images: number, kind: string, first: string | undefined): Warning[] {
  if (images === 0) return [];
  const message = `${counted(images, 'image')} ${images === 1 ? 'has' : 'have'} ${kind} boxes that reach beyond an edge; the first: ${first}. They were scored as they are.`;
  return [{ code: 'assumed-data', message }];
}

/** Sizes that predictions give, by image. */
export const sizesOf = (predictions: readonly Prediction[]): Map<string, Size> =>
  new Map(
    predictions.flatMap((prediction) => {
      const size = sizeOf(prediction);
      return size ? [[prediction.image, size] as const] : [];
    }),
  );

const sidesOf = ({ x, y, width, height }: Box) => [x, y, width, height].map((side) => side.toFixed(1)).join(', ');
