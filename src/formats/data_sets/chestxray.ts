/**
 * Reads the published files of ChestX-ray8 and ChestX-ray14 (Wang et al., CVPR 2017): labels, boxes and lists. Text is turned into typed
 * columns here; files are opened elsewhere (src/node/dataset.ts).
 *
 * There are two releases of the label file. The first ends each row with an empty column, writes ages as `058Y`, `006M`
 * or `013D`, and contains ages above 400. The one of 2020 has ages in plain years.
 */
import { InputError } from '../../errors.js';
import type { OnWarning } from '../../warnings.js';
import { type CsvReader, csvReader, findColumns } from '../csv.js';
import { imageNameOfPath } from './image_list.js';
import { CHEST_XRAY14_LABELS, type ImageTable, NO_FINDING, type ReadOptions, SEXES, VIEWS } from './image_table.js';
import { isNoFinding, type LabelNames, labelNames, listed, sayRespelled } from './label_names.js';

export { writeBoxList } from './box_list.js';
export { readImageList, writeImageList } from './image_list.js';
export * from './image_table.js';
export { readBoxList } from './labeled_boxes.js';

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
type ColumnName = keyof typeof COLUMNS;

/** Years from `58`, `058Y`, `006M`, `012W` or `013D`; NaN for anything else. */
export function parseAge(text: string): number {
  const match = /^\s*(\d{1,4})(?:\.0*)?\s*([YMWD]?)\s*$/i.exec(text);
  if (!match) return Number.NaN;
  const perYear = { Y: 1, M: 12, W: 52.18, D: 365.25 }[match[2].toUpperCase() || 'Y'] as number;
  return Number(match[1]) / perYear;
}

/** Gives a function from texts such as `A|B` to a bit for each label; 0 for `No Finding`. */
function labelBitsOf(labels: LabelNames, classes: readonly string[]): (text: string) => number {
  const index = new Map(classes.map((name, i) => [name, i]));
  return (text) => {
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
  };
}

/** An identifier without the spaces around it. One that contains a control character, such as a line end, is refused. */
function identifier(text: string, what: string): string {
  const plain = text.trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (plain.length > 255 || /[\u0000-\u001f]/.test(plain)) {
    throw new Error(`the ${what} is not an identifier: ${JSON.stringify(plain.slice(0, 60))}`);
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
  const bitsOf = labelBitsOf(labelled, classes);
  const columns = growingColumns();
  let at: Record<ColumnName, number> | undefined;

  function onRow(fields: string[], row: number) {
    if (!at) {
      at = findColumns(fields, COLUMNS, { source, optional: ['followUp', 'age', 'sex', 'view', 'width', 'height'] });
      return;
    }
    const places = at;
    const text = (name: ColumnName) => (places[name] < 0 ? '' : (fields[places[name]] ?? ''));
    try {
      addLabels(columns, text, bitsOf);
    } catch (error) {
      const { message } = error as Error;
      if (!onProblem) throw new InputError(`${source}: row ${row}: ${message}`);
      onProblem(message, row);
      return;
    }
    const age = parseAge(text('age'));
    if (onProblem && (age > MAX_AGE || (Number.isNaN(age) && at.age >= 0))) {
      onProblem(`${text('image')} has no possible age: ${JSON.stringify(text('age').slice(0, 20))}`, row);
    }
    addDetails(columns, text, age);
  }

  const reader = csvReader(onRow, { ...options, source });
  return {
    ...reader,
    table() {
      if (!at) throw new InputError(`${source}: the file is empty`, { expected: 'a header and one row per image' });
      const images = compact(columns.names);
      sayRespelled(labelled, source, onWarning);
      sayTwins(columns.patients, source, onWarning);
      return {
        classes,
        length: images.length,
        images,
        labels: columns.labels.done(),
        patients: compact(columns.patients),
        followUps: compact(columns.followUps),
        ages: columns.ages.done(),
        sexes: columns.sexes.done(),
        views: columns.views.done(),
        widths: columns.widths.done(),
        heights: columns.heights.done(),
      };
    },
  };
}

/** The columns of a table while its rows are read. */
const growingColumns = () => ({
  names: [] as string[],
  seen: new Set<string>(),
  labels: column(Uint32Array),
  patients: [] as string[],
  followUps: [] as string[],
  ages: column(Float32Array),
  sexes: column(Uint8Array),
  views: column(Uint8Array),
  widths: column(Uint16Array),
  heights: column(Uint16Array),
});

type GrowingColumns = ReturnType<typeof growingColumns>;

/** Adds what a row must have: image, labels, patient. @throws Error if one of them is wrong; nothing has then been added */
function addLabels(
  columns: GrowingColumns,
  text: (name: ColumnName) => string,
  bitsOf: (labels: string) => number,
): void {
  const image = imageNameOfPath(text('image'));
  if (columns.seen.has(image)) throw new Error(`${image} is listed twice`);
  const bits = bitsOf(text('labels'));
  const patient = identifier(text('patient'), `patient of ${image}`);
  if (patient === '') throw new Error(`${image} has no patient`);
  const followUp = identifier(text('followUp'), `follow-up of ${image}`);
  columns.seen.add(image);
  columns.names.push(image);
  columns.labels.push(bits);
  columns.patients.push(patient);
  columns.followUps.push(followUp);
}

/** Adds what a row need not have. An impossible age becomes NaN, other values that are missing or wrong become 0. */
function addDetails(columns: GrowingColumns, text: (name: ColumnName) => string, age: number): void {
  columns.ages.push(age <= MAX_AGE ? age : Number.NaN);
  columns.sexes.push(indexIn(SEXES, text('sex')));
  columns.views.push(indexIn(VIEWS, text('view')));
  columns.widths.push(Number.parseInt(text('width'), 10) || 0);
  columns.heights.push(Number.parseInt(text('height'), 10) || 0);
}

/** The index of a name, in any case; 0 if it is not in the list. */
const indexIn = (names: readonly string[], text: string) => Math.max(0, names.indexOf(text.trim().toUpperCase()));

function sayTwins(patients: readonly string[], source: string, onWarning: OnWarning): void {
  const twins = zeroTwins(patients);
  if (twins.length === 0) return;
  const message = `${source}: patients whose identifiers differ in leading zeros or decimals alone count as different ones: ${listed(twins, 4)}.`;
  onWarning({ code: 'assumed-data', message });
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

/** Reads a label file from one text; see `dataEntryReader`. */
export function readDataEntry(text: string, options: ReadOptions = {}): ImageTable {
  const reader = dataEntryReader(options);
  for (let at = 0; at < text.length; at += 1 << 18) reader.write(text.slice(at, at + (1 << 18)));
  reader.end();
  return reader.table();
}
