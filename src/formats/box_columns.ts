/**
 * Which column of a box file is which. The published header names x, y, w and h in one cell with commas in it; other files name
 * them one by one, or name two corners instead of a corner and a size.
 */
import { InputError } from '../errors.js';
import { normalizeHeader, numberIn } from './csv.js';
import { type Box, fileName } from './findings.js';
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
  /** Columns that are called like an image too. */
  otherImages: readonly number[];
  label: number;
  /** Undefined where no column is a score. */
  score?: number;
  /** Positions of x, y, width and height; or of left, top, right and bottom. */
  sides: readonly number[];
  corners: boolean;
  /** The header, with a cell for each of the box's numbers. */
  header: readonly string[];
  /** Names of columns that could be the score too, and were not taken. */
  otherScores: readonly string[];
  /** Names of columns that mean nothing here. */
  unused: readonly string[];
}

const PUBLISHED = ['Image Index', 'Finding Label', 'Bbox [x', 'y', 'w', 'h]'];

/** As the published file has them, and a score, which raybox writes behind them. Its header goes on with three columns that have no name, and that no row has. */
export const PUBLISHED_COLUMNS: BoxColumns = {
  ...{ image: 0, otherImages: [], label: 1, sides: [2, 3, 4, 5], corners: false },
  ...{ header: [...PUBLISHED, 'Score'], otherScores: [], unused: [] },
};

/** All four in one cell: `"Bbox [x,y,w,h]"`, quoted. */
const TOGETHER = /^bbox ?\[? ?x ?, ?y ?, ?w(?:idth)? ?, ?h(?:eight)? ?\]?$/;

/** The header with a cell for each of the four numbers, where one cell names them all: then cells without a name may follow it. */
function spreadHeader(header: readonly string[]): readonly string[] {
  const at = header.findIndex((name) => TOGETHER.test(normalizeHeader(name)));
  if (at < 0) return header;
  let next = at + 1;
  while (next <= at + 3 && header[next]?.trim() === '') next += 1;
  return [...header.slice(0, at), ...PUBLISHED.slice(2), ...header.slice(next)];
}

/**
 * The fields of a row, each below its name. Where the header has columns without a name, as the published one, rows may leave them out.
 * @throws an Error where a row has more columns than its header
 */
export function boxFields(fields: readonly string[], { header }: BoxColumns): readonly string[] {
  refuseExtraFields(fields, header.length);
  const named = header.flatMap((name, at) => (name.trim() === '' ? [] : at));
  if (fields.length !== named.length) return fields;
  const spread = header.map(() => '');
  for (const [i, at] of named.entries()) spread[at] = fields[i];
  return spread;
}

/** Position of the only column with one of these names, the likeliest first; -1 without any. */
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
 * The columns of a box file by its header; undefined where it is none: no label, or no sides.
 *
 * @throws InputError for a name that two columns have
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
 * The column with the image's name: one that is called so, else the first. `others` are called so too.
 *
 * @param taken columns that mean something else
 * @throws InputError where there is none
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

/** Folders do not count. A counter beside a name, or a folder beside a file, is no second name. */
function areTwoImages(one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => fileName(text.trim()));
  if (first === second || first === '' || second === '') return false;
  const isNumber = (text: string) => /^\d+$/.test(text);
  return IMAGE_ENDING.test(first) === IMAGE_ENDING.test(second) && isNumber(first) === isNumber(second);
}

/** @throws an Error where two columns of a row name two images */
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

/** The box of a row. @throws an Error that shows the fields where they are no box */
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

/** @throws an Error where a row has more columns than its header, as with commas in numbers. */
export function refuseExtraFields(fields: readonly string[], columns: number): void {
  const extra = fields.slice(columns).find((field) => field.trim() !== '');
  if (extra !== undefined) {
    throw new Error(
      `${fields.length} fields where the header has ${columns} columns (decimal commas, or a name with a comma?)`,
    );
  }
}
