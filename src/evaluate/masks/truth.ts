/** Truth of one source, by image and finding: where a reader marked a finding, and where one looked and found none. */

import { counted, InputError } from '../../errors.js';
import { stemOf } from '../../formats/data_sets/image_list.js';
import { labelNames, listed, respellings, unknownNames } from '../../formats/data_sets/label_names.js';
import {
  crossedIn,
  outlineCount,
  type Region,
  regionOf,
  type Shape,
  type ShapedImage,
  type ShapeFile,
} from '../../formats/masks/shapes.js';
import { checkOptions, optionKinds } from '../../options.js';
import type { Warning } from '../../warnings.js';
import type { Size } from '../box_frame.js';

/** The marks of one source. Marks of several sources are never joined. */
export interface MaskTruth {
  source: string;
  form: ShapeFile['form'];
  /** Findings that it marks or looks for, by the data set's names of classes. */
  labels: string[];
  images: Map<string, TruthImage>;
}

/** The marks in one image. */
export interface TruthImage extends Size {
  /** Findings that were looked for. Those without a region were not found. */
  read: ReadonlySet<string>;
  regions: Map<string, Region>;
}

/** How marks are joined with a data set. */
export interface TruthOptions {
  /** The name of this truth in results. */
  source: string;
  /** The names of the images that may be scored. */
  images: readonly string[];
  classes: readonly string[];
  /** Names of findings in the file, and the classes that they are scored as. */
  labels?: Readonly<Record<string, string>> | undefined;
  /**
   * The size that the coordinates of marks refer to, if it is not that of the image: the side of a square, or `own` for the size that the file
   * or its format gives. It must have the aspect ratio of the image. Without this option, a size in the file must be that of the image.
   */
  frame?: number | 'own' | undefined;
  /** The size of an image in pixels; undefined if it is not known. */
  sizeOf(image: string): Size | undefined;
}

const TRUTH_OPTIONS = optionKinds<TruthOptions>({
  source: 'a text',
  images: 'a list of texts',
  classes: 'a list of texts',
  labels: 'values by name',
  frame: 'anything',
  sizeOf: 'a function',
});

/** Whether two sizes may belong to the same image: their sides have the same ratio, up to rounding. */
const isSameShape = (a: Size, b: Size) =>
  Math.abs(a.width * b.height - b.width * a.height) <= Math.max(a.width, a.height, b.width, b.height);

const textOf = ({ width, height }: Size) => `${width} × ${height}`;

/**
 * Joins a file of marks with the images and classes of a data set, and turns the marks into masks.
 * @throws InputError if no image or no finding of the file is one of the data set, if a mask is of another size than its image, if marks
 *   pass the edge of their image, or if outlines cross themselves
 */
export function maskTruth(file: ShapeFile, options: TruthOptions): { truth: MaskTruth; warnings: Warning[] } {
  checkOptions('maskTruth', options, TRUTH_OPTIONS);
  const { source, images, classes } = options;
  const labels = labelMatcher(file, options);
  const nameOf = imageMatcher(images);
  const truth: MaskTruth = { source, form: file.form, labels: [], images: new Map() };
  const unknownImages: string[] = [];
  const used = new Set<string>();
  const readOf = labelSets(labels.match);
  // Work on outlines is proportional to their length, so all of them are counted before any is drawn.
  const count = outlineCount(source);
  for (const { image, marks } of file.images)
    if (nameOf(image) !== undefined)
      for (const { label, shape } of marks) if (labels.match(label) !== undefined) count(shape);
  let crossed = 0;
  for (const shaped of file.images) {
    const image = nameOf(shaped.image);
    if (image === undefined) {
      unknownImages.push(shaped.image);
      continue;
    }
    if (truth.images.has(image))
      throw new InputError(`${source}: ${image} comes twice`, { expected: 'each image once' });
    const read = readOf(shaped.read);
    const byLabel = new Map<string, Shape[]>();
    for (const { label: name, shape } of shaped.marks) {
      const label = labels.match(name);
      if (label === undefined) continue;
      const known = byLabel.get(label);
      if (known) known.push(shape);
      else byLabel.set(label, [shape]);
    }
    if (read.size === 0) continue;
    const size = sizeOfTruth(image, shaped, file, options);
    const regions = new Map<string, Region>();
    for (const [label, shapes] of byLabel) {
      const where = `${source}: ${image}, ${label}`;
      // Outlines that pass the edge of the image are refused first, because work on a polygon is proportional to its height.
      regions.set(label, regionOf(shapes, size.width, size.height, where));
      crossed += shapes.filter((shape) => crossedIn(shape, where) > 0).length;
    }
    for (const label of read) used.add(label);
    truth.images.set(image, { ...size, read, regions });
  }
  if (truth.images.size === 0) {
    const isUnknown = unknownImages.length === file.images.length;
    throw new InputError(`${source}: no image of the data set is marked for one of its classes`, {
      expected: isUnknown ? `images like ${images[0] ?? '(none)'}` : `findings of ${listed(classes, 14)}`,
      given: isUnknown ? listed(unknownImages, 3) || 'no images' : listed(labels.names(), 14),
      hint: isUnknown
        ? undefined
        : 'the option labels (--mask-labels "FINDING=CLASS") says which class a finding is scored as',
    });
  }
  truth.labels = classes.filter((label) => used.has(label));
  const warnings = [...labels.warnings(), ...imageWarnings(source, unknownImages, crossed)];
  if (file.scored) {
    const message = `${source}: masks have scores, which were not used: each mask counts, and those of one finding in an image are its parts.`;
    warnings.push({ code: 'assumed-data', message });
  }
  const isSized = file.images.every(({ width }) => width !== undefined);
  return { truth, warnings: isSized ? warnings : [...warnings, ...crowded(truth, options.frame)] };
}

/** The classes of findings that were looked for. Images of a file mostly share their list, which is then matched once. */
function labelSets(match: (name: string) => string | undefined): (read: readonly string[]) => ReadonlySet<string> {
  const sets = new Map<readonly string[], ReadonlySet<string>>();
  return (read) => {
    const known = sets.get(read) ?? new Set(read.flatMap((name) => match(name) ?? []));
    sets.set(read, known);
    return known;
  };
}

/** In fewer images than this, all marks may lie in the first quarter by chance. */
const ENOUGH_IMAGES = 10;

/** A warning about marks that may be in pixels of smaller copies of the images: they all lie in the first quarter of their images. */
function crowded({ source, images }: MaskTruth, frame: TruthOptions['frame']): Warning[] {
  const marked = [...images.values()].filter(({ regions }) => regions.size > 0);
  const isNear = ({ width, height, regions }: TruthImage) =>
    [...regions.values()].every(({ boxes }) =>
      boxes.every((box) => box.x + box.width <= width / 2 && box.y + box.height <= height / 2),
    );
  if (marked.length < ENOUGH_IMAGES || !marked.every(isNear)) return [];
  const given = frame === undefined ? 'pixels of the images' : `a frame of ${frame}`;
  const message = `${source}: all marks lie in the first quarter of their images. They were taken for ${given}: are they in pixels of smaller copies? The option frame (--mask-frame) says it.`;
  return [{ code: 'assumed-data', message }];
}

function imageWarnings(source: string, unknown: string[], crossed: number): Warning[] {
  const warnings: Warning[] = [];
  if (unknown.length > 0) {
    const message = `${source}: ${counted(unknown.length, 'marked image')} not among the images that may be scored: ${listed(unknown, 3)}.`;
    warnings.push({ code: 'ignored-data', message });
  }
  if (crossed > 0) {
    const message = `${source}: ${counted(crossed, 'polygon')} cross themselves by a few pixels; what an outline surrounds twice is outside, as in COCO.`;
    warnings.push({ code: 'assumed-data', message });
  }
  return warnings;
}

/** The size of the masks of an image. @throws InputError if it is not known, or not that of the image */
function sizeOfTruth(
  image: string,
  shaped: ShapedImage,
  { frame: usual, format }: ShapeFile,
  options: TruthOptions,
): Size {
  const { frame, source, sizeOf } = options;
  const { width, height } = shaped;
  const said = width !== undefined && height !== undefined ? { width, height } : undefined;
  const where = `${source}: ${image}`;
  const size = sizeOf(image);
  if (frame !== undefined) {
    const side = frame === 'own' ? usual : frame;
    const framed = side === undefined ? said : { width: side, height: side };
    if (!framed) throw unknownFrame(where);
    if (said && (said.width !== framed.width || said.height !== framed.height)) {
      throw new InputError(`${where}: the masks do not have the size of the frame`, {
        expected: `${textOf(framed)}, as the option frame says`,
        given: textOf(said),
      });
    }
    if (!size || isSameShape(framed, size)) return framed;
    throw new InputError(`${where}: the masks cannot cover the same image`, {
      expected: `sides in the ratio of ${textOf(size)}`,
      given: textOf(framed),
      hint: 'the mask may be of another image, turned, or cut',
    });
  }
  if (!size) {
    if (said) return said;
    throw unknownFrame(where);
  }
  if (!said && usual !== undefined && (size.width !== usual || size.height !== usual)) {
    throw new InputError(`${where}: the file does not say in which pixels its marks are`, {
      expected: `an image of ${usual} × ${usual}, in whose pixels ${format} are published`,
      given: textOf(size),
      hint: `give the frame: --mask-frame ${usual} for the published marks, --mask-frame ${size.width} for marks in pixels of this image`,
    });
  }
  if (!said || (said.width === size.width && said.height === size.height)) return size;
  throw new InputError(`${where}: the masks have another size than the image`, {
    expected: textOf(size),
    given: textOf(said),
    hint: isSameShape(said, size)
      ? 'if they cover the same image in their own pixels, give frame: own (--mask-frame own)'
      : 'they may be of another image, turned, or cut',
  });
}

const unknownFrame = (where: string) =>
  new InputError(`${where}: the size of its frame is not known`, {
    hint: 'give its side as frame (--mask-frame; 1024 for the published marks of ChestX-ray14)',
  });

/** Finds images by their names, and by names without ending, if no two images differ by it only. */
function imageMatcher(images: readonly string[]): (name: string) => string | undefined {
  const known = new Set(images);
  const byStem = new Map<string, string | undefined>();
  for (const image of images) byStem.set(stemOf(image), byStem.has(stemOf(image)) ? undefined : image);
  return (name) => (known.has(name) ? name : byStem.get(stemOf(name)));
}

function labelMatcher(file: ShapeFile, { source, classes, labels = {} }: TruthOptions) {
  const names = labelNames(classes);
  const given = new Set(file.images.flatMap(({ marks, read }) => [...marks.map(({ label }) => label), ...read]));
  for (const [from, to] of Object.entries(labels)) {
    if (!classes.includes(to)) {
      throw new InputError(`${source}: ${to} is no class of the data set`, { expected: classes.join(', ') });
    }
    if (given.has(from)) continue;
    throw new InputError(`${source}: no finding is called ${from}`, { expected: [...given].slice(0, 40).join(', ') });
  }
  const match = (name: string) => (Object.hasOwn(labels, name) ? labels[name] : names.match(name));
  const meaning = new Map<string, string>();
  for (const name of given) {
    const label = match(name);
    const other = label === undefined ? undefined : meaning.get(label);
    if (other !== undefined && !Object.hasOwn(labels, name) && !Object.hasOwn(labels, other)) {
      throw new InputError(`${source}: two findings mean ${label}: ${listed([other, name])}`, {
        hint: 'say by the option labels (--mask-labels) that both are scored as one',
      });
    }
    if (label !== undefined) meaning.set(label, name);
  }
  return {
    match,
    names: () => [...given],
    warnings(): Warning[] {
      const warnings: Warning[] = [];
      if (names.respelled.size > 0) {
        const message = `${source}: findings were taken for classes: ${respellings(names.respelled)}.`;
        warnings.push({ code: 'matched-names', message });
      }
      if (names.unknown.size > 0) {
        const unknown = unknownNames(names.unknown.keys(), classes);
        const message = `${source}: findings that are none of the classes were not scored: ${unknown}.`;
        warnings.push({ code: 'ignored-data', message });
      }
      return warnings;
    },
  };
}
