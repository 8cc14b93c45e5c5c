/**
 * Finds the columns of a box file by its header. The published header names x, y, w and h in one text with commas in it. Other files name
 * them one by one, or name two corners instead of a corner and a size.
 */
import { InputError } from '../../errors.js';
import { normalizeHeader, numberIn } from '../csv.js';
import { type Box, fileName } from '../findings.js';
import { IMAGE_COLUMNS, IMAGE_ENDING } from './image_list.js';

const LABEL_COLUMNS = [
  'finding label',
  'finding_label',
  'label',
  'class',
  'class_name',
  'category',
  'finding',
  'disease',
];
const SCORE_COLUMNS = ['score', 'probability', 'confidence', 'conf'];
const SIZES = [
  ['x', 'y', 'w', 'h'],
  ['x', 'y', 'width', 'height'],
  ['left', 'top', 'width', 'height'],
  ['bbox_x', 'bbox_y', 'bbox_w', 'bbox_h'],
  ['bbox [x', 'y', 'w', 'h]'],
];
const CORNERS = [
  ['x_min', 'y_min', 'x_max', 'y_max'],
  ['xmin', 'ymin', 'xmax', 'ymax'],
  ['x1', 'y1', 'x2', 'y2'],
  ['left', 'top', 'right', 'bottom'],
];

export interface BoxColumns {
  image: number;
  /** Other columns whose names also say that they name the image. */
  otherImages: readonly number[];
  label: number;
  /** Undefined if no column is a score. */
  score?: number;
  /** Positions of x, y, width and height; or of left, top, right and bottom. */
  sides: readonly number[];
  corners: boolean;
  /** The header, with one cell for each of the box's numbers. */
  header: readonly string[];
  /** Names of other columns that could be the score. */
  otherScores: readonly string[];
  /** Names of columns that are not used. */
  unused: readonly string[];
}

const PUBLISHED = ['Image Index', 'Finding Label', 'Bbox [x', 'y', 'w', 'h]'];

/**
 * The columns of the published file, and after them the score that raybox writes. The published header ends with three more columns, which
 * have no name and which its rows do not have.
 */
export const PUBLISHED_COLUMNS: BoxColumns = {
  ...{ image: 0, otherImages: [], label: 1, sides: [2, 3, 4, 5], corners: false },
  ...{ header: [...PUBLISHED, 'Score'], otherScores: [], unused: [] },
};

/** All four numbers in one quoted cell: `"Bbox [x,y,w,h]"`. */
const TOGETHER = /^bbox ?\[? ?x ?, ?y ?, ?w(?:idth)? ?, ?h(?:eight)? ?\]?$/;

/** Replaces a cell that names all four numbers, and the cells without a name that may follow it, by four cells. */
function spreadHeader(header: readonly string[]): readonly string[] {
  const at = header.findIndex((name) => TOGETHER.test(normalizeHeader(name)));
  if (at < 0) return header;
  let next = at + 1;
  while (next <= at + 3 && header[next]?.trim() === '') next += 1;
  return [...header.slice(0, at), ...PUBLISHED.slice(2), ...header.slice(next)];
}

/**
 * The fields of a row, at the positions of their names in the header. A row may leave out the columns without a name, as those of the
 * published file do.
 * @throws an Error if a row has more columns than its header
 */
export function boxFields(fields: readonly string[], { header }: BoxColumns): readonly string[] {
  refuseExtraFields(fields, header.length);
  const named = header.flatMap((name, at) => (name.trim() === '' ? [] : at));
  if (fields.length !== named.length) return fields;
  const spread = header.map(() => '');
  for (const [i, at] of named.entries()) spread[at] = fields[i];
  return spread;
}

/**
 * Position of the column with the first of these names that the header has; -1 if it has none.
 * @throws InputError if two columns have that name
 */
export function columnNamed(header: readonly string[], names: readonly string[], source: string): number {
  for (const name of names) {
    const at = header.indexOf(name);
    if (at >= 0 && header.indexOf(name, at + 1) >= 0) {
      throw new InputError(`${source}: two columns are called ${JSON.stringify(name)}`, {
        expected: 'each column once',
        hint: 'leave one of them out',
      });
    }
    if (at >= 0) return at;
  }
  return -1;
}

/**
 * The columns of a box file by its header; undefined if the header names no label or no box.
 *
 * @throws InputError if two columns have the same name, if the boxes have both sizes and corners, or if no column names the image
 */
export function boxColumns(given: readonly string[], source: string): BoxColumns | undefined {
  const header = spreadHeader(given);
  const names = header.map(normalizeHeader);
  const label = columnNamed(names, LABEL_COLUMNS, source);
  const positions = (sets: readonly string[][]) =>
    sets.map((set) => set.map((name) => names.indexOf(name))).find((set) => set.every((at) => at >= 0));
  const cornered = positions(CORNERS);
  const sides = positions(SIZES) ?? cornered;
  if (label < 0 || !sides) return undefined;
  if (cornered && sides !== cornered) {
    throw new InputError(`${source}: boxes are given by their sizes and by their corners`, {
      hint: 'leave one of them out',
    });
  }
  for (const at of sides) columnNamed(names, [names[at]], source);
  const score = columnNamed(names, SCORE_COLUMNS, source);
  const { image, others: otherImages } = imageColumns(header, [label, score, ...sides], source);
  const used = new Set([image, label, score, ...sides]);
  const isScore = (at: number) => SCORE_COLUMNS.includes(names[at]);
  const rest = header.flatMap((name, at) => (used.has(at) || name.trim() === '' ? [] : { name, at }));
  return {
    ...{ image, otherImages, label, sides, corners: sides === cornered, header },
    ...(score < 0 ? {} : { score }),
    otherScores: rest.filter(({ at }) => isScore(at)).map(({ name }) => name),
    unused: rest.filter(({ at }) => !isScore(at)).map(({ name }) => name),
  };
}

/**
 * The column that names the image: by its own name, or else the first column. `others` are further columns with such a name.
 *
 * @param taken columns that mean something else
 * @throws InputError if no column has such a name and the first column means something else
 */
export function imageColumns(
  header: readonly string[],
  taken: readonly number[],
  source: string,
): { image: number; others: number[] } {
  const names = header.map(normalizeHeader);
  const image = columnNamed(names, IMAGE_COLUMNS, source);
  const isOther = (at: number) => at !== image && !taken.includes(at) && IMAGE_COLUMNS.includes(names[at]);
  if (image >= 0) return { image, others: names.flatMap((_, at) => (isOther(at) ? at : [])) };
  if (!taken.includes(0)) return { image: 0, others: [] };
  throw new InputError(`${source}: no column names the image`, {
    expected: `a column ${IMAGE_COLUMNS.slice(0, 5).join(', ')} or the like`,
    given: header.slice(0, 20).join(',').slice(0, 200),
  });
}

/** Whether two fields of a row name different images. Folders are ignored. A row number or a folder beside a file's name is not an image. */
function areTwoImages(one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => fileName(text.trim()));
  if (first === second || first === '' || second === '') return false;
  const isNumber = (text: string) => /^\d+$/.test(text);
  return IMAGE_ENDING.test(first) === IMAGE_ENDING.test(second) && isNumber(first) === isNumber(second);
}

/** @throws an Error if two columns of a row name two images */
export function refuseTwoImages(
  fields: readonly string[],
  header: readonly string[],
  image: number,
  others: readonly number[],
): void {
  for (const at of others) {
    const [name, other] = [fields[image] ?? '', fields[at] ?? ''];
    if (!areTwoImages(name, other)) continue;
    const quoted = [header[image], header[at], name, other].map((text) => JSON.stringify(text.slice(0, 60)));
    throw new Error(
      `columns ${quoted[0]} and ${quoted[1]} name two images, ${quoted[2]} and ${quoted[3]}: leave one of them out`,
    );
  }
}

/** The box of a row. @throws an Error that shows the fields if they are not a box */
export function boxIn(fields: readonly string[], { sides, corners }: BoxColumns): Box {
  const given = sides.map((at) => fields[at] ?? '');
  const [x, y, third, fourth] = given.map(numberIn);
  const [width, height] = corners ? [third - x, fourth - y] : [third, fourth];
  if (![x, y, width, height].every(Number.isFinite) || width <= 0 || height <= 0) {
    const wanted = corners ? 'left, top, right, bottom, as the header says' : 'x, y, width, height';
    throw new Error(`no box: ${JSON.stringify(given.join(',').slice(0, 80))}, expected ${wanted}`);
  }
  return { x, y, width, height };
}

/** @throws an Error if a row has more columns than its header, which happens with decimal commas. */
export function refuseExtraFields(fields: readonly string[], columns: number): void {
  const extra = fields.slice(columns).find((field) => field.trim() !== '');
  if (extra !== undefined) {
    throw new Error(
      `${fields.length} fields where the header has ${columns} columns (decimal commas, or a name with a comma?)`,
    );
  }
}
