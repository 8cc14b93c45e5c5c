/**
 * Reads the published files of ChestX-ray8 and ChestX-ray14 (Wang et al., CVPR 2017): labels, boxes and lists. Text is turned into typed
 * columns here; files are opened elsewhere (src/node/dataset.ts).
 *
 * There are two releases of the label file. The first ends each row with an empty column, writes ages as `058Y`, `006M`
 * or `013D`, and contains ages above 400. The one of 2020 has ages in plain years.
 */
import { InputError } from '../errors.js';
import type { OnWarning } from '../warnings.js';
import { type BoxColumns, boxColumns, boxFields, boxIn, PUBLISHED_COLUMNS, refuseTwoImages } from './box_columns.js';
import { BOX_HEADER } from './box_list.js';
import { type CsvOptions, type CsvReader, csvReader, findColumns, numberIn, readCsv } from './csv.js';
import { imageNameOfPath } from './image_list.js';
import { CHEST_XRAY14_LABELS, type ImageTable, type LabeledBox, NO_FINDING, SEXES, VIEWS } from './image_table.js';
import { isNoFinding, type LabelNames, labelNames, listed, respellings } from './label_names.js';

export { writeBoxList } from './box_list.js';
export { readImageList, writeImageList } from './image_list.js';
export * from './image_table.js';

export interface ReadOptions extends CsvOptions {
  /** The classes of the data set, at most 32. Default: those of ChestX-ray14. */
  classes?: readonly string[];
  /** Whether boxes are given as two corners. Default: as the names of their columns say. */
  corners?: boolean;
  /** Called for each value or row that is wrong. Without it the first row that cannot be used throws. */
  onProblem?: (message: string, row: number) => void;
  /** Called with a warning for each thing that was matched, assumed or not used. */
  onWarning?: OnWarning;
}

const MAX_AGE = 120;
const COLUMNS = {
  image: ['Image Index'],
  labels: ['Finding Labels'],
  patient: ['Patient ID'],
  followUp: ['Follow-up #'],
  age: ['Patient Age'],
  sex: ['Patient Gender', 'Patient Sex'],
  view: ['View Position'],
  width: ['OriginalImage[Width', 'OriginalImageWidth'],
  height: ['Height]', 'OriginalImageHeight'],
};

/** Years from `58`, `058Y`, `006M`, `012W` or `013D`; NaN for anything else. */
export function parseAge(text: string): number {
  const match = /^\s*(\d{1,4})(?:\.0*)?\s*([YMWD]?)\s*$/i.exec(text);
  if (!match) return Number.NaN;
  const perYear = { Y: 1, M: 12, W: 52.18, D: 365.25 }[match[2].toUpperCase() || 'Y'] as number;
  return Number(match[1]) / perYear;
}

/** A bit for each label of a text such as `A|B`; 0 for `No Finding`. */
function labelBits(text: string, labels: LabelNames, index: Map<string, number>): number {
  let bits = 0;
  const names = text.split('|');
  for (const name of names) {
    if (isNoFinding(name)) {
      if (names.length > 1) throw new Error(`"${NO_FINDING}" beside other labels`);
      continue;
    }
    const bit = index.get(labels.match(name) ?? '');
    if (bit === undefined) throw new Error(`unknown finding label ${JSON.stringify(name.trim().slice(0, 60))}`);
    bits |= 1 << bit;
  }
  return bits >>> 0;
}

/** An identifier without the spaces around it. One that contains a control character, such as a line end, is refused. */
function identifier(text: string, what: string): string {
  const plain = text.trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (plain.length > 255 || /[\u0000-\u001f]/.test(plain)) {
    throw new Error(`the ${what} is no identifier: ${JSON.stringify(plain.slice(0, 60))}`);
  }
  return plain;
}

/**
 * Copies texts to save memory. The fields of a row are slices of the file's text, and each would keep a large piece of that text in memory.
 * After joining and splitting they are slices of the joined text only.
 */
const compact = (texts: readonly string[]) => (texts.length === 0 ? [] : texts.join('\n').split('\n'));

/** A growing typed column. */
function column<T extends Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array>(
  make: new (length: number) => T,
) {
  let values = new make(1024);
  let length = 0;
  return {
    push(value: number) {
      if (length === values.length) {
        const larger = new make(2 * length);
        larger.set(values);
        values = larger;
      }
      values[length++] = value;
    },
    done: () => values.slice(0, length) as T,
  };
}

/**
 * Reads a label file piece by piece.
 *
 * @throws InputError if a column for the image, the labels or the patient is missing. Without `onProblem` also for a row with an unknown
 *   label, without a patient, with an invalid file name, or with an image that another row has
 */
export function dataEntryReader(options: ReadOptions = {}): CsvReader & { table(): ImageTable } {
  const { source = 'Data_Entry_2017.csv', classes = CHEST_XRAY14_LABELS, onProblem, onWarning = () => {} } = options;
  if (classes.length > 32) throw new InputError('Too many classes', { expected: '≤ 32', given: `${classes.length}` });
  const labelled = labelNames(classes);
  const classIndex = new Map(classes.map((name, i) => [name, i]));
  const sexIndex = new Map<string, number>(SEXES.map((name, i) => [name, i]));
  const viewIndex = new Map<string, number>(VIEWS.map((name, i) => [name, i]));

  const names: string[] = [];
  const labels = column(Uint32Array);
  const patients: string[] = [];
  const followUps: string[] = [];
  const ages = column(Float32Array);
  const sexes = column(Uint8Array);
  const views = column(Uint8Array);
  const widths = column(Uint16Array);
  const heights = column(Uint16Array);
  const seen = new Set<string>();
  let at: Record<keyof typeof COLUMNS, number> | undefined;

  function onRow(fields: string[], row: number) {
    if (!at) {
      at = findColumns(fields, COLUMNS, {
        source,
        optional: ['followUp', 'age', 'sex', 'view', 'width', 'height'],
      });
      return;
    }
    const text = (position: number) => (position < 0 ? '' : (fields[position] ?? ''));
    try {
      const image = imageNameOfPath(text(at.image));
      if (seen.has(image)) throw new Error(`${image} is listed twice`);
      const bits = labelBits(text(at.labels), labelled, classIndex);
      const patient = identifier(text(at.patient), `patient of ${image}`);
      if (patient === '') throw new Error(`${image} has no patient`);
      const followUp = identifier(text(at.followUp), `follow-up of ${image}`);
      seen.add(image);
      names.push(image);
      labels.push(bits);
      patients.push(patient);
      followUps.push(followUp);
    } catch (error) {
      const { message } = error as Error;
      if (!onProblem) throw new InputError(`${source}: row ${row}: ${message}`);
      onProblem(message, row);
      return;
    }
    const age = parseAge(text(at.age));
    if (onProblem && (age > MAX_AGE || (Number.isNaN(age) && at.age >= 0))) {
      onProblem(`${text(at.image)} has no possible age: ${JSON.stringify(text(at.age).slice(0, 20))}`, row);
    }
    ages.push(age <= MAX_AGE ? age : Number.NaN);
    sexes.push(sexIndex.get(text(at.sex).trim().toUpperCase()) ?? 0);
    views.push(viewIndex.get(text(at.view).trim().toUpperCase()) ?? 0);
    widths.push(Number.parseInt(text(at.width), 10) || 0);
    heights.push(Number.parseInt(text(at.height), 10) || 0);
  }

  const reader = csvReader(onRow, { ...options, source });
  return {
    ...reader,
    table() {
      if (!at) throw new InputError(`${source}: the file is empty`, { expected: 'a header and one row per image' });
      const images = compact(names);
      sayRespelled(labelled, source, onWarning);
      const twins = zeroTwins(patients);
      if (twins.length > 0) {
        const message = `${source}: patients whose identifiers differ in leading zeros or decimals alone count as different ones: ${listed(twins, 4)}.`;
        onWarning({ code: 'assumed-data', message });
      }
      return {
        classes,
        length: images.length,
        images,
        labels: labels.done(),
        patients: compact(patients),
        followUps: compact(followUps),
        ages: ages.done(),
        sexes: sexes.done(),
        views: views.done(),
        widths: widths.done(),
        heights: heights.done(),
      };
    },
  };
}

/** Identifiers that differ only in leading zeros or in decimals of zero, such as `13`, `0013` and `13.0`. */
function zeroTwins(patients: readonly string[]): string[] {
  const spellings = new Map<string, Set<string>>();
  for (const patient of new Set(patients)) {
    const plain = patient.replace(/^0+(?=\d)/, '').replace(/(?<=^\d+)\.0+$/, '');
    spellings.set(plain, (spellings.get(plain) ?? new Set()).add(patient));
  }
  return [...spellings.values()].filter(({ size }) => size > 1).flatMap((some) => [...some]);
}

function sayRespelled({ respelled }: LabelNames, source: string, onWarning: OnWarning): void {
  if (respelled.size === 0) return;
  onWarning({ code: 'matched-names', message: `${source}: labels were taken for classes: ${respellings(respelled)}.` });
}

/** Reads a label file from one text; see `dataEntryReader`. */
export function readDataEntry(text: string, options: ReadOptions = {}): ImageTable {
  const reader = dataEntryReader(options);
  for (let at = 0; at < text.length; at += 1 << 18) reader.write(text.slice(at, at + (1 << 18)));
  reader.end();
  return reader.table();
}

/**
 * Reads a box file by its header, or, if it has none, by the positions of the columns in `BBox_List_2017.csv`. Labels are returned in the
 * spelling of the label file (`Infiltrate` becomes `Infiltration`). Scores are not read. A repeated row counts once, with a warning.
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
