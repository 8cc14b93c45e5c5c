/** Masks, polygons and boxes as truth: good inputs of each form, changes that make them large, and what the parsers do with them. */
import { maskTruth } from '../../../src/evaluate/masks/truth.js';
import { parseJson } from '../../../src/formats/json.js';
import { maskIn } from '../../../src/formats/masks/chexlocalize.js';
import { toCocoMasks } from '../../../src/formats/masks/coco_shapes.js';
import { maskComponents } from '../../../src/formats/masks/components.js';
import { type Rle, readRleString, rleArea, rleOfPixels, rleString } from '../../../src/formats/masks/rle.js';
import { readShapes, readShapeTable } from '../../../src/formats/masks/shape_files.js';
import { boxAround, type ShapeFile } from '../../../src/formats/masks/shapes.js';
import { type Dice, MAX_MUTANT_BYTES, type Mutator } from './mutate.js';
import { bytesOf, textOf } from './text.js';

const CLASSES = ['Mass', 'Edema'];
/** The frame of marks whose file does not give a size. */
const FRAME = 1024;

const maskOf = (rows: readonly string[]): Rle =>
  rleOfPixels(
    rows.flatMap((row) => [...row].map(Number)),
    rows[0].length,
    rows.length,
  );
const segmentation = ({ width, height, ...mask }: Rle) => ({ size: [height, width], counts: rleString(mask) });
const RING = maskOf(['00000', '01110', '01010', '01110', '00000']);
const DOTS = maskOf(['10000', '00000', '00110', '00110', '00001']);
const NONE = maskOf(['00000', '00000', '00000', '00000', '00000']);
const POLYGON = [1, 1, 4, 1, 4.5, 4, 1, 3.5];
const POINTS = [0, 2, 4, 6].map((at) => POLYGON.slice(at, at + 2));

const annotated = toCocoMasks(
  [
    {
      ...{ image: 'a.png', width: 5, height: 5 },
      findings: [
        { label: 'Mass', segmentation: RING, score: 0.5 },
        { label: 'Edema', segmentation: [POLYGON], score: 1 },
      ],
    },
  ],
  CLASSES,
);
const { annotations, ...index } = annotated;

/** A file of each form. */
export const shapeFiles = (): Uint8Array[] =>
  [
    { 'a.png': { Mass: segmentation(RING), Edema: segmentation(NONE) }, b: { Mass: segmentation(DOTS) } },
    { a: { img_size: [5, 5], Mass: [POINTS, POINTS] }, b: { img_size: [5, 5], Edema: [POINTS] } },
    [{ file_name: 'a.png', syms: ['Mass', 'Edema'], boxes: [[1, 1, 4, 4]], polygons: [POINTS, POINTS] }],
    { 'a.png': { syms: ['Mass'], polygons: [POINTS] } },
    annotated,
    { ...index, annotations: annotations.map(({ segmentation: _, ...rest }) => rest) },
    { ...index, annotations: [{ ...annotations[0], segmentation: { size: [5, 5], counts: [...DOTS.runs] } }] },
    annotations,
  ].map((value) => bytesOf(JSON.stringify(value)));

export const shapeTables = (): Uint8Array[] =>
  [
    'Image Index,Finding Label,Bbox [x,y,w,h],,,\na.png,Mass,1,2,30,40\nb.png,Edema,0.5,0.5,1000,10.25\n',
    'image,source,label,x,y,w,h\na.png,one,Mass,0,0,2,2\na.png,two,Edema,1,1,2,2\na.png,two,Mass,1,1,2,2\n',
  ].map(bytesOf);

export const runLengths = (): Uint8Array[] =>
  [segmentation(RING), segmentation(DOTS), { size: [5, 5], counts: [...DOTS.runs] }, segmentation(NONE)].map((value) =>
    bytesOf(JSON.stringify(value)),
  );

/** Everything that is made of a file of marks before a heatmap is compared with it. */
function truthOf(file: ShapeFile, source: string): unknown {
  const images = [...new Set(file.images.map(({ image }) => image))];
  const isSized = file.images.every(({ width }) => width !== undefined);
  const frame = isSized ? undefined : FRAME;
  return maskTruth(file, { source, images, classes: CLASSES, frame, sizeOf: () => undefined });
}

export function readTruthFile(bytes: Uint8Array): unknown {
  const text = textOf(bytes);
  const isResults = /^\s*\[.{0,200}"image_id"/.test(text);
  return truthOf(readShapes(text, 'truth', isResults ? { index: annotated } : {}), 'truth');
}

export const readTruthTable = (bytes: Uint8Array): unknown =>
  [...readShapeTable(textOf(bytes), 'truth')].map(([source, file]) => truthOf(file, source));

/** @throws Error if a mask that was read is another one when it is written and read again */
export function readRunLengths(bytes: Uint8Array): unknown {
  const mask = maskIn(parseJson(textOf(bytes), 'mask'), 'mask');
  const again = readRleString(rleString(mask), mask.width, mask.height);
  if (again.runs.length !== mask.runs.length || !again.runs.every((run, i) => run === mask.runs[i]))
    throw new Error('the mask was written as another one');
  return rleArea(mask) > 0 ? [maskComponents(mask), boxAround(mask)] : [];
}

/** As many entries as fit, joined by commas. */
function entries(dice: Dice, entryOf: (i: number) => string): string {
  const most = dice.length(MAX_MUTANT_BYTES - 4096);
  const parts: string[] = [];
  for (let length = 0; length < most; length += parts[parts.length - 1].length + 1) parts.push(entryOf(parts.length));
  return parts.join(',');
}

/** Sizes of masks. The first three have almost as many pixels as a mask may have. */
const SIZES = [
  [7000, 7000],
  [65_535, 700],
  [700, 65_535],
  [1024, 1024],
] as const;

/** A file of very many marks, or of marks that are as large as they can be. */
export const manyMarks: Mutator = (_, dice) => {
  const [across, down] = dice.pick([...SIZES, [5, 5] as const]);
  const corners = dice.pick([
    `[[0,0],[${across},0],[${across},${down}],[0,${down}]]`,
    `[[0,0],[${across},${down}],[0,${down}]]`,
    `[[0,0],[${across},${down}],[${across},0]]`,
  ]);
  const flat = corners.slice(1, -1).replaceAll(/[[\]]/g, '');
  const mask = `{"size":[${down},${across}],"counts":[1,${across * down - 2},1]}`;
  const isSame = dice.chance(0.5);
  const text = dice.pick([
    () => `{${entries(dice, (i) => `"${i}":{"Mass":${mask}}`)}}`,
    () => `{${entries(dice, (i) => `"${i}":{"img_size":[${down},${across}],"Mass":[${corners}]}`)}}`,
    () => `{"a":{"img_size":[${down},${across}],"Mass":[${entries(dice, () => corners)}]}}`,
    () =>
      `[${entries(dice, (i) => `{"file_name":"${isSame ? 0 : i}","syms":["Mass"],"polygons":[[[0,0],[1024,1024],[9,1024]]]}`)}]`,
    () =>
      cocoOf(
        across,
        down,
        entries(dice, () => `{"image_id":1,"category_id":1,"segmentation":[[${flat}]]}`),
      ),
    () => cocoOf(across, down, `{"image_id":1,"category_id":1,"segmentation":[${entries(dice, () => `[${flat}]`)}]}`),
    () =>
      cocoOf(
        across,
        down,
        entries(dice, () => `{"image_id":1,"category_id":1,"segmentation":${mask}}`),
      ),
    () =>
      cocoOf(
        across,
        down,
        entries(dice, () => `{"image_id":1,"category_id":1,"bbox":[1,1,${across - 2},${down - 2}]}`),
      ),
  ])();
  return bytesOf(text);
};

const cocoOf = (width: number, height: number, annotations: string) =>
  `{"images":[{"id":1,"file_name":"a","width":${width},"height":${height}}],"categories":[{"id":1,"name":"Mass"}],"annotations":[${annotations}]}`;

/** A table of very many boxes, of one image or of as many images. */
export const manyBoxes: Mutator = (_, dice) => {
  const [isSame, box] = [dice.chance(0.5), dice.pick(['0,0,1024,1024', '1,1,1022,1022', '0.5,3,1000,1', '7,7,1,1000'])];
  const rows = entries(dice, (i) => `\n${isSame ? 0 : i}.png,Mass,${box}`).replaceAll(',\n', '\n');
  return bytesOf(`image,label,x,y,w,h${rows}\n`);
};

/** Run lengths that fill a mask of the greatest size, with as many runs as fit. */
export const manyRuns: Mutator = (_, dice) => {
  const [across, down] = dice.pick(SIZES);
  const runs = Math.min(dice.length((MAX_MUTANT_BYTES - 4096) / 2), across * down - 1);
  const rest = across * down - runs;
  const counts = dice.chance(0.5)
    ? `[${'1,'.repeat(runs)}${rest}]`
    : JSON.stringify(rleString({ runs: Uint32Array.from({ length: runs + 1 }, (_, i) => (i < runs ? 1 : rest)) }));
  return bytesOf(`{"size":[${down},${across}],"counts":${counts}}`);
};
