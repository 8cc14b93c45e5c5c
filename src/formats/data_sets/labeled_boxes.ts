/** Reads boxes with labels from tables such as the published `BBox_List_2017.csv`. */
import { InputError } from '../../errors.js';
import { numberIn, readCsv } from '../csv.js';
import { type BoxColumns, boxColumns, boxFields, boxIn, PUBLISHED_COLUMNS, refuseTwoImages } from './box_columns.js';
import { BOX_HEADER } from './box_list.js';
import { imageNameOfPath } from './image_list.js';
import { CHEST_XRAY14_LABELS, type LabeledBox, type ReadOptions } from './image_table.js';
import { labelNames, listed, sayRespelled } from './label_names.js';

/**
 * Reads a box file by its header, or, if it has none, by the positions of the columns in `BBox_List_2017.csv`. Labels are returned in the
 * spelling of the label file (`Infiltrate` becomes `Infiltration`). Scores are not read. If a row is repeated, it counts once, with a warning.
 *
 * @throws InputError if the header names no label or no box. Without `onProblem` also for a row with an unknown label (if `classes` are
 *   given), with an invalid file name, or without a valid box
 */
export function readBoxList(text: string, options: ReadOptions = {}): LabeledBox[] {
  const { source = 'BBox_List_2017.csv', classes, onProblem, onWarning = () => {} } = options;
  const labels = labelNames(classes ?? CHEST_XRAY14_LABELS);
  const boxes: LabeledBox[] = [];
  const seen = new Set<string>();
  let columns: BoxColumns | undefined;
  let repeated = 0;

  function onRow(given: string[], row: number) {
    if (!columns) {
      const headless = given.length >= 6 && Number.isFinite(numberIn(given[2]));
      columns = boxColumnsOf(headless ? undefined : given, { ...options, source });
      if (!headless) return;
    }
    try {
      const fields = boxFields(given, columns);
      if (fields.length <= Math.max(...columns.sides)) {
        throw new Error(`${fields.length} columns, expected image, label, x, y, width, height`);
      }
      refuseTwoImages(fields, columns.header, columns.image, columns.otherImages);
      const image = imageNameOfPath(fields[columns.image] ?? '');
      const name = (fields[columns.label] ?? '').trim();
      const known = labels.match(name);
      if (known === undefined && classes) throw new Error(`unknown finding label ${JSON.stringify(name.slice(0, 60))}`);
      const label = known ?? name;
      const box = boxIn(fields, columns);
      const key = JSON.stringify([image, label, box]);
      if (seen.has(key)) repeated += 1;
      else boxes.push({ image, label, box });
      seen.add(key);
    } catch (error) {
      const { message } = error as Error;
      if (!onProblem) throw new InputError(`${source}: row ${row}: ${message}`, { expected: BOX_HEADER });
      onProblem(message, row);
    }
  }

  readCsv(text, onRow, { ...options, source });
  sayRespelled(labels, source, onWarning);
  if (repeated > 0) {
    const rows = repeated === 1 ? 'a row that comes again was' : `${repeated} rows that come again were`;
    onWarning({ code: 'ignored-data', message: `${source}: ${rows} counted once.` });
  }
  return boxes;
}

/** Finds the columns, and warns of what is assumed or not used. @param header undefined if the file begins with a box */
function boxColumnsOf(header: readonly string[] | undefined, options: ReadOptions & { source: string }): BoxColumns {
  const { source, onWarning = () => {} } = options;
  const named = header ? boxColumns(header, source) : PUBLISHED_COLUMNS;
  if (!named) {
    throw new InputError(`${source}: the header names no boxes`, {
      expected: BOX_HEADER,
      given: header?.join(',').slice(0, 200),
    });
  }
  const columns = { ...named, corners: options.corners ?? named.corners };
  if (columns.unused.length > 0) {
    onWarning({ code: 'ignored-data', message: `${source}: columns that were not used: ${listed(columns.unused)}.` });
  }
  if (columns.corners) {
    const message = `${source}: boxes were read as corners: left, top, right, bottom.`;
    onWarning({ code: 'assumed-data', message });
  }
  return columns;
}
