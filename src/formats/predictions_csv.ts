/** Predictions as a CSV: a column per class, or a row per box in the layout of `BBox_List_2017.csv`. */
import { InputError } from '../errors.js';
import type { OnWarning } from '../warnings.js';
import { type BoxColumns, boxColumns, boxIn, imageColumn, refuseExtraFields } from './box_columns.js';
import { type CsvReader, csvReader, numberIn, separatorHint } from './csv.js';
import type { Finding, Prediction } from './findings.js';
import { IMAGE_COLUMNS } from './image_list.js';
import { canonicalLabel } from './image_table.js';
import { labelNames, listed, respellings, unknownNames } from './label_names.js';
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
  /** Told what of the file was matched, assumed or not used. */
  onWarning?: OnWarning;
}

/**
 * The header decides what a file is: with a column of labels and four of boxes it has a row per box, otherwise a column per
 * class. Other columns are not used, and said.
 *
 * @throws InputError for a header that is neither or both, for two columns that mean one class, for an image that comes twice, for
 *   rows that are longer than the header, and for values that are no number or, as probabilities, not in [0, 1]
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
      throw new InputError(`${source} has a column per class and a row per box`, {
        expected: 'one or the other: two files can be given',
        given: header.slice(0, 20).join(',').slice(0, 200),
      });
    }
    if (!scores && !boxes) throw neither(header, source, options.classes);
    const image = scores?.image ?? (boxes as BoxColumns).image;
    if (!IMAGE_COLUMNS.includes(header[image].trim().toLowerCase())) {
      const message = `${source}: no column is called like an image's name; the first, ${listed([header[image]])}, was taken for it.`;
      onWarning({ code: 'assumed-data', message });
    }
    const unused = scores?.unused ?? (boxes as BoxColumns).unused;
    if (unused.length > 0) {
      const names = unknownNames(unused, options.classes);
      onWarning({ code: 'ignored-data', message: `${source}: columns that are no class were not used: ${names}.` });
    }
    if (scores && scores.respelled.size > 0) {
      const message = `${source}: columns were taken for classes: ${respellings(scores.respelled)}.`;
      onWarning({ code: 'matched-names', message });
    }
    if (boxes && boxes.score === undefined) {
      onWarning({
        code: 'assumed-data',
        message: `${source}: no column is a score; every box counts with a score of 1.`,
      });
    }
    if (boxes?.corners) {
      const names = boxes.sides.map((at) => header[at]).join(', ');
      onWarning({ code: 'assumed-data', message: `${source}: boxes were read as corners (${names}).` });
    }
    return scores
      ? scoreRow(predictions, scores, header.length, options.logits ?? false)
      : boxRow(predictions, boxes as BoxColumns, header.length);
  };
  return { ...reader, predictions: predictions.all };
}

interface ScoreColumns {
  image: number;
  columns: { label: string; name: string; at: number }[];
  unused: string[];
  respelled: ReadonlyMap<string, string>;
}

/** What may stand before or behind a class: `prob_Mass`, `Mass_pred`. */
const AFFIX =
  /^(?:prob(?:ability)?|pred(?:icted|iction)?|score)[\s_.-]+|[\s_.-]+(?:prob(?:ability)?|pred(?:icted|iction)?|score)$/i;

/** The columns that are classes; undefined without any. */
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
  const image = imageColumn(header, taken, source);
  const unused = header.filter((name, at) => at !== image && !taken.includes(at) && name.trim() !== '');
  const other = columns.filter(({ label, name }) => canonicalLabel(name) !== label);
  return { image, columns, unused, respelled: new Map(other.map(({ name, label }) => [name, label])) };
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
  (predictions: Collector, { image, columns }: ScoreColumns, width: number, logits: boolean) =>
  (fields: string[]) => {
    refuseExtraFields(fields, width);
    const prediction = predictions.of(fields[image] ?? '');
    const kind = logits ? 'logits' : 'probabilities';
    if (prediction[kind]) throw new Error(`${prediction.image} is listed twice`);
    const values: [string, number][] = [];
    for (const { label, name, at } of columns) {
      const value = numberIn(fields[at]);
      if (!Number.isFinite(value) || (!logits && (value < 0 || value > 1))) {
        const wanted = logits ? 'a number' : 'a probability in [0, 1]';
        const given = fields[at] === undefined ? 'nothing' : JSON.stringify(fields[at].slice(0, 60));
        throw new Error(`${name} of ${prediction.image} should be ${wanted}, given ${given}`);
      }
      values.push([label, value]);
    }
    prediction[kind] = Object.fromEntries(values);
  };

const boxRow = (predictions: Collector, columns: BoxColumns, width: number) => (fields: string[]) => {
  refuseExtraFields(fields, width);
  const prediction = predictions.of(fields[columns.image] ?? '');
  const label = (fields[columns.label] ?? '').trim();
  if (label === '') throw new Error(`a box of ${prediction.image} has no label`);
  const finding: Finding = {
    label: canonicalLabel(label),
    score: columns.score === undefined ? 1 : numberIn(fields[columns.score]),
    box: boxIn(fields, columns),
  };
  if (!Number.isFinite(finding.score)) {
    const given = JSON.stringify((fields[columns.score ?? 0] ?? '').slice(0, 60));
    throw new Error(`a box of ${prediction.image} should have a score, given ${given}`);
  }
  prediction.findings ??= [];
  prediction.findings.push(finding);
};
