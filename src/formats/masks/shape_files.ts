/** Recognises files of marks, and reads them. */
import { InputError } from '../../errors.js';
import type { OnWarning } from '../../warnings.js';
import { brief } from '../brief.js';
import { isObject } from '../checks.js';
import { normalizeHeader, readCsv } from '../csv.js';
import { csvLine } from '../csv_line.js';
import { readBoxList } from '../data_sets/labeled_boxes.js';
import { parseJson } from '../json.js';
import { isChestXDet, readChestXDet } from './chestx_det.js';
import { isAnnotations, isSegmentations, readAnnotations, readSegmentations } from './chexlocalize.js';
import { isCocoShapes, readCocoShapes } from './coco_shapes.js';
import type { ShapedImage, ShapeFile } from './shapes.js';

const FORMS = [
  "CheXlocalize's segmentations, {image: {finding: {size, counts}}}",
  "CheXlocalize's annotations, {image: {img_size, finding: [polygon, …]}}",
  'COCO, {images, categories, annotations}',
  "ChestX-Det's annotations, [{file_name, syms, polygons}, …]",
];

/** Reads a JSON file of marks. @throws InputError if it has none of the known forms, or anything in it is invalid */
export function readShapes(text: string, source: string): ShapeFile {
  const parsed = parseJson(text, source);
  const isFilled = isObject(parsed) && Object.keys(parsed).length > 0;
  if (isCocoShapes(parsed)) return readCocoShapes(parsed as Record<string, unknown>, source);
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
      const images = new Map<string, ShapedImage>();
      const where = name === '' ? source : `${source}, ${name}`;
      for (const { image, label, box } of readBoxList(lines.join('\n'), { source: where, onWarning })) {
        const known: ShapedImage = images.get(image) ?? { image, marks: [], read: [] };
        known.marks.push({ label, shape: { box } });
        images.set(image, { ...known, read: [...new Set([...known.read, label])] });
      }
      return [name, { format: 'boxes', form: 'boxes', images: [...images.values()] }];
    }),
  );
}
