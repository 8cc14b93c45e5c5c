/** Reads predictions from CSV files with a column for each class, or with a row for each box as in `BBox_List_2017.csv`. */
import { InputError } from '../../errors.js';
import type { OnWarning } from '../../warnings.js';
import { type CsvReader, csvReader, numberIn, separatorHint } from '../csv.js';
import {
  type BoxColumns,
  boxColumns,
  boxFields,
  boxIn,
  imageColumns,
  refuseExtraFields,
  refuseTwoImages,
} from '../data_sets/box_columns.js';
import { IMAGE_COLUMNS } from '../data_sets/image_list.js';
import { canonicalLabel } from '../data_sets/image_table.js';
import { labelNames, listed, respellings, unknownNames } from '../data_sets/label_names.js';
import type { Finding, Prediction } from '../findings.js';
import { predictionCollector } from './predictions.js';

export interface PredictionReader extends CsvReader {
  predictions(): Prediction[];
}

export interface PredictionCsvOptions {
  source?: string;
  /** The classes of the data set. */
  classes: readonly string[];
  /** Whether the numbers are logits. Default: probabilities. */
  logits?: boolean;
  /** Whether boxes are given as two corners. Default: as the names of their columns say. */
  corners?: boolean;
  /** Called with a warning for each thing that was matched, assumed or not used. */
  onWarning?: OnWarning;
}

/**
 * The header decides which kind of file it is. With a column of labels and four columns for a box, it has a row for each box. Otherwise it
 * has a column for each class. Other columns are not used, with a warning.
 *
 * @throws InputError for a header that fits neither kind or both, for two columns that mean the same class, for an image that is listed
 *   twice in a file of the second kind, for rows that are longer than the header, and for values that are not numbers or, as probabilities,
 *   not in [0, 1]
 */
export function predictionCsvReader(options: PredictionCsvOptions): PredictionReader {
  const { source = 'predictions', onWarning = () => {} } = options;
  const predictions = predictionCollector();
  let readRow: ((fields: string[]) => void) | undefined;
  const reader = csvReader(
    (fields, row) => {
      try {
        if (readRow) readRow(fields);
        else readRow = rowReader(fields);
      } catch (error) {
        if (error instanceof InputError) throw error;
        throw new InputError(`${source}: row ${row}: ${(error as Error).message}`);
      }
    },
    { source },
  );
  const rowReader = (header: string[]) => {
    const scores = scoreColumns(header, source, options.classes);
    const boxes = boxColumns(header, source);
    if (scores && boxes) {
      throw new InputError(`${source} has a column per class and also a row per box`, {
        expected: 'one of the two in a file; two files can be given',
        given: header.slice(0, 20).join(',').slice(0, 200),
      });
    }
    if (scores) {
      sayOfScores(scores, header, source, options.classes, onWarning);
      return scoreRow(predictions, scores, header, options.logits ?? false);
    }
    if (!boxes) throw neither(header, source, options.classes);
    const columns = { ...boxes, corners: options.corners ?? boxes.corners };
    sayOfBoxes(columns, source, options.classes, onWarning);
    return boxRow(predictions, columns);
  };
  return { ...reader, predictions: predictions.all };
}

function sayOfScores(
  { image, unused, respelled }: ScoreColumns,
  header: readonly string[],
  source: string,
  classes: readonly string[],
  onWarning: OnWarning,
): void {
  sayOfColumns(header[image], unused, source, classes, onWarning);
  if (respelled.size === 0) return;
  const message = `${source}: columns were taken for classes: ${respellings(respelled)}.`;
  onWarning({ code: 'matched-names', message });
}

function sayOfBoxes(columns: BoxColumns, source: string, classes: readonly string[], onWarning: OnWarning): void {
  const { header, image, score, sides, otherScores } = columns;
  sayOfColumns(header[image], columns.unused, source, classes, onWarning);
  const say = (code: 'assumed-data' | 'ignored-data', text: string) =>
    onWarning({ code, message: `${source}: ${text}.` });
  if (score === undefined) say('assumed-data', 'no column is a score; every box counts with a score of 1');
  else if (otherScores.length > 0) {
    say(
      'ignored-data',
      `${listed([header[score]])} was taken for the score of boxes; not used: ${listed(otherScores)}`,
    );
  }
  if (columns.corners) {
    say('assumed-data', `boxes were read as corners (${sides.map((at) => header[at]).join(', ')})`);
  }
}

/** Warnings that both kinds of files have in common: about the column of the image, and about columns that are not used. */
function sayOfColumns(
  image: string,
  unused: readonly string[],
  source: string,
  classes: readonly string[],
  onWarning: OnWarning,
): void {
  if (!IMAGE_COLUMNS.includes(image.trim().toLowerCase())) {
    const message = `${source}: no column is called like an image's name; the first, ${listed([image])}, was taken for it.`;
    onWarning({ code: 'assumed-data', message });
  }
  if (unused.length > 0) {
    const message = `${source}: columns that are not classes were not used: ${unknownNames(unused, classes)}.`;
    onWarning({ code: 'ignored-data', message });
  }
}

interface ScoreColumns {
  image: number;
  /** Other columns whose names also say that they name the image. */
  otherImages: number[];
  columns: { label: string; name: string; at: number }[];
  unused: string[];
  respelled: ReadonlyMap<string, string>;
}

/** What may precede or follow the name of a class: `prob_Mass`, `Mass_pred`. */
const AFFIX =
  /^(?:prob(?:ability)?|pred(?:icted|iction)?|score)[\s_.-]+|[\s_.-]+(?:prob(?:ability)?|pred(?:icted|iction)?|score)$/i;

/** The columns that are classes; undefined if there are none. */
function scoreColumns(header: string[], source: string, classes: readonly string[]): ScoreColumns | undefined {
  const names = labelNames(classes);
  const columns = header.flatMap((name, at) => {
    const label = names.match(name) ?? names.match(name.trim().replace(AFFIX, ''));
    return label === undefined ? [] : [{ label, name: name.trim(), at }];
  });
  if (columns.length === 0) return undefined;
  const byLabel = new Map<string, string>();
  for (const { label, name } of columns) {
    const other = byLabel.get(label);
    if (other !== undefined) {
      throw new InputError(`${source}: two columns mean ${label}: ${listed([other, name])}`, {
        expected: 'one column per class',
        hint: 'leave one of them out',
      });
    }
    byLabel.set(label, name);
  }
  const taken = columns.map(({ at }) => at);
  const { image, others: otherImages } = imageColumns(header, taken, source);
  const unused = header.filter((name, at) => at !== image && !taken.includes(at) && name.trim() !== '');
  const other = columns.filter(({ label, name }) => canonicalLabel(name) !== label);
  return { image, otherImages, columns, unused, respelled: new Map(other.map(({ name, label }) => [name, label])) };
}

function neither(header: string[], source: string, classes: readonly string[]): InputError {
  const hint = separatorHint(header);
  return new InputError(`${source}: the header names no class`, {
    expected: `a column per class (${classes.slice(0, 3).join(', ')}, …), or columns of a label and a box as in BBox_List_2017.csv`,
    given: header.slice(0, 20).join(',').slice(0, 200),
    ...(hint ? { hint } : {}),
  });
}

type Collector = ReturnType<typeof predictionCollector>;

const scoreRow =
  (predictions: Collector, { image, otherImages, columns }: ScoreColumns, header: readonly string[], logits: boolean) =>
  (fields: string[]) => {
    refuseExtraFields(fields, header.length);
    refuseTwoImages(fields, header, image, otherImages);
    const prediction = predictions.of(fields[image] ?? '');
    const kind = logits ? 'logits' : 'probabilities';
    if (prediction[kind]) throw new Error(`${prediction.image} is listed twice`);
    const values: [string, number][] = [];
    for (const { label, name, at } of columns) {
      const value = numberIn(fields[at]);
      if (!Number.isFinite(value) || (!logits && (value < 0 || value > 1))) {
        const wanted = logits ? 'a number' : 'a probability in [0, 1]';
        const given = fields[at] === undefined ? 'nothing' : JSON.stringify(fields[at].slice(0, 60));
        throw new Error(`${name} of ${prediction.image} should be ${wanted}, given ${given}${unitHint(value)}`);
      }
      values.push([label, value]);
    }
    prediction[kind] = Object.fromEntries(values);
  };

/** Advice for a number that is not a probability, but may be percent or a logit. */
function unitHint(value: number): string {
  if (!Number.isFinite(value)) return '';
  const logits = 'logits are read with --logits';
  return value > 1 && value <= 100 ? `; percent must be divided by 100, ${logits}` : `; ${logits}`;
}

const boxRow = (predictions: Collector, columns: BoxColumns) => (given: string[]) => {
  const fields = boxFields(given, columns);
  refuseTwoImages(fields, columns.header, columns.image, columns.otherImages);
  const prediction = predictions.of(fields[columns.image] ?? '');
  const label = (fields[columns.label] ?? '').trim();
  if (label === '') throw new Error(`a box of ${prediction.image} has no label`);
  const finding: Finding = {
    label: canonicalLabel(label),
    score: columns.score === undefined ? 1 : numberIn(fields[columns.score]),
    box: boxIn(fields, columns),
  };
  if (!Number.isFinite(finding.score)) {
    const wrong = JSON.stringify((fields[columns.score ?? 0] ?? '').slice(0, 60));
    throw new Error(`a box of ${prediction.image} should have a score, given ${wrong}`);
  }
  prediction.findings ??= [];
  prediction.findings.push(finding);
};
