/**
 * Which column of a box file is which. The published header names x, y, w and h in one cell with commas in it; other files name
 * them one by one, or name two corners instead of a corner and a size.
 */
import { InputError } from '../errors.js';
import { normalizeHeader, numberIn } from './csv.js';
import type { Box } from './findings.js';
import { IMAGE_COLUMNS } from './image_list.js';

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
  label: number;
  /** Undefined where no column is a score. */
  score?: number;
  /** Positions of x, y, width and height; or of left, top, right and bottom. */
  sides: readonly number[];
  corners: boolean;
  /** Names of columns that mean nothing here. */
  unused: readonly string[];
}

/** As the published file has them; the header of three empty columns more means nothing. */
export const PUBLISHED_COLUMNS: BoxColumns = { image: 0, label: 1, sides: [2, 3, 4, 5], corners: false, unused: [] };

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
export function boxColumns(header: readonly string[], source: string): BoxColumns | undefined {
  const names = header.map(normalizeHeader);
  const label = columnNamed(names, LABEL_COLUMNS, source);
  const positions = (sets: readonly string[][]) =>
    sets.map((set) => set.map((name) => names.indexOf(name))).find((set) => set.every((at) => at >= 0));
  // All four in one cell: `"Bbox [x,y,w,h]"`, quoted. The numbers stand in this column and the three behind it.
  const together = names.findIndex((name) => /^bbox ?\[? ?x ?, ?y ?, ?w(?:idth)? ?, ?h(?:eight)? ?\]?$/.test(name));
  const cornered = positions(CORNERS);
  const sides = together >= 0 ? [0, 1, 2, 3].map((i) => together + i) : (positions(SIZES) ?? cornered);
  if (label < 0 || !sides) return undefined;
  if (cornered && sides !== cornered) {
    throw new InputError(`${source}: boxes are given by their sizes and by their corners`, {
      hint: 'leave one of them out',
    });
  }
  for (const at of sides) if (together < 0) columnNamed(names, [names[at]], source);
  const score = columnNamed(names, SCORE_COLUMNS, source);
  const image = imageColumn(header, [label, score, ...sides], source);
  const used = new Set([image, label, score, ...sides]);
  return {
    ...{ image, label, sides, corners: sides === cornered },
    ...(score < 0 ? {} : { score }),
    unused: header.filter((name, at) => !used.has(at) && name.trim() !== ''),
  };
}

/**
 * The column with the image's name: one that is called so, else the first.
 *
 * @param taken columns that mean something else
 * @throws InputError where there is none
 */
export function imageColumn(header: readonly string[], taken: readonly number[], source: string): number {
  const at = columnNamed(header.map(normalizeHeader), IMAGE_COLUMNS, source);
  if (at >= 0) return at;
  if (!taken.includes(0)) return 0;
  throw new InputError(`${source}: no column names the image`, {
    expected: `a column ${IMAGE_COLUMNS.slice(0, 5).join(', ')} or the like`,
    given: header.slice(0, 20).join(',').slice(0, 200),
  });
}

/** The box of a row. @throws an Error that shows the fields where they are no box */
export function boxIn(fields: readonly string[], { sides, corners }: BoxColumns): Box {
  const given = sides.map((at) => fields[at] ?? '');
  const [x, y, third, fourth] = given.map(numberIn);
  const [width, height] = corners ? [third - x, fourth - y] : [third, fourth];
  if (![x, y, width, height].every(Number.isFinite) || width <= 0 || height <= 0) {
    const wanted = corners ? 'left, top, right, bottom' : 'x, y, width, height';
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
