/** Recognises files of marks, and reads them. */

import { InputError } from '../../errors.js';
import { checkOptions } from '../../options.js';
import type { OnWarning } from '../../warnings.js';
import { brief } from '../brief.js';
import { isObject } from '../checks.js';
import { normalizeHeader, readCsv } from '../csv.js';
import { csvLine } from '../csv_line.js';
import { readBoxList } from '../data_sets/labeled_boxes.js';
import { parseJson } from '../json.js';
import { isChestXDet, readChestXDet } from './chestx_det.js';
import { isAnnotations, isSegmentations, readAnnotations, readSegmentations } from './chexlocalize.js';
import { isCocoResults, isCocoShapes, readCocoResults, readCocoShapes } from './coco_shapes.js';
import type { ShapedImage, ShapeFile } from './shapes.js';

const FORMS = [
  "CheXlocalize's segmentations, {image: {finding: {size, counts}}}",
  "CheXlocalize's annotations, {image: {img_size, finding: [polygon, …]}}",
  'COCO, {images, categories, annotations}, or a list of its results',
  "ChestX-Det's annotations, [{file_name, syms, polygons}, …]",
];

/** What a file of marks needs besides itself. */
export interface ShapeFileOptions {
  /** For a list of COCO results: the parsed annotation file that explains the ids of images and categories. */
  index?: unknown;
}

/**
 * Reads a JSON file of marks.
 * @throws InputError if it has none of the known forms, if anything in it is invalid, or if an index is given that is not needed
 */
export function readShapes(text: string, source: string, options: ShapeFileOptions = {}): ShapeFile {
  checkOptions('readShapes', options, { index: 'anything' });
  const { index } = options;
  const parsed = parseJson(text, source);
  if (isCocoResults(parsed)) return readCocoResults(parsed, index, source);
  if (index !== undefined) {
    throw new InputError(`${source} needs no index, because it is no list of COCO results`, {
      expected: '[{"image_id", "category_id", "segmentation", "score"}, …]',
      given: isObject(parsed) ? `an object with ${Object.keys(parsed).slice(0, 3).join(', ')}` : brief(parsed),
    });
  }
  const isFilled = isObject(parsed) && Object.keys(parsed).length > 0;
  if (isCocoShapes(parsed)) return readCocoShapes(parsed, source);
  if (isChestXDet(parsed)) return readChestXDet(parsed, source);
  if (isFilled && isAnnotations(parsed)) return readAnnotations(parsed, source);
  if (isFilled && isSegmentations(parsed)) return readSegmentations(parsed, source);
  const given = isFilled ? `an object with ${Object.keys(parsed).slice(0, 3).join(', ')}` : brief(parsed);
  throw new InputError(`${source} holds no masks of a known form`, { expected: FORMS.join('; '), given });
}

/**
 * Reads a table of boxes: one file of marks for each value of a column `source`, or one without such a column. Nothing is known of findings
 * without a box.
 * @throws InputError as `readBoxList` does
 */
export function readShapeTable(text: string, source: string, onWarning?: OnWarning): Map<string, ShapeFile> {
  const tables = new Map<string, string[]>();
  let at = -1;
  let header: string[] | undefined;
  const isRest = (_: unknown, i: number) => i !== at;
  const onRow = (fields: string[]) => {
    if (!header) {
      at = fields.findIndex((name) => normalizeHeader(name) === 'source');
      header = fields.filter(isRest);
      if (at < 0) tables.set('', [csvLine(header)]);
      return;
    }
    const name = at < 0 ? '' : (fields[at] ?? '').trim();
    if (at >= 0 && name === '')
      throw new InputError(`${source}: a row does not say its source`, { given: fields.join(',') });
    const lines = tables.get(name) ?? [csvLine(header)];
    lines.push(csvLine(fields.filter(isRest)));
    tables.set(name, lines);
  };
  readCsv(text, onRow, { source });
  return new Map(
    [...tables].map(([name, lines]) => {
      const marks = new Map<string, ShapedImage['marks']>();
      const where = name === '' ? source : `${source}, ${name}`;
      for (const { image, label, box } of readBoxList(lines.join('\n'), { source: where, onWarning })) {
        const known = marks.get(image);
        if (known) known.push({ label, shape: { box } });
        else marks.set(image, [{ label, shape: { box } }]);
      }
      const images = [...marks].map(([image, some]): ShapedImage => {
        return { image, marks: some, read: [...new Set(some.map(({ label }) => label))] };
      });
      return [name, { format: 'boxes', form: 'boxes', images }];
    }),
  );
}
