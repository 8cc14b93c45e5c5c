/** Predictions from anywhere: a CSV of probabilities, a CSV of boxes, or JSON lines as `raybox localize` writes them. */
import { InputError } from '../errors.js';
import { numbersByLabel, parseJson } from './coco.js';
import { type CsvReader, csvReader, normalizeHeader } from './csv.js';
import { type Box, type Finding, fileName, type Prediction } from './findings.js';
import { canonicalLabel } from './image_table.js';

export interface PredictionReader extends CsvReader {
  predictions(): Prediction[];
}

export interface PredictionOptions {
  source?: string;
  /** Column names that are classes. */
  classes: readonly string[];
  /** Whether the numbers of a CSV are logits. Default: probabilities. */
  logits?: boolean;
}

const IMAGE_COLUMNS = ['image index', 'image', 'image_index', 'file', 'filename', 'file_name', 'path'];

/** One entry per image, in order of appearance. */
function collector() {
  const byImage = new Map<string, Prediction>();
  return {
    of(path: string): Prediction {
      const image = fileName(path.trim());
      if (image === '') throw new Error('no image name');
      let prediction = byImage.get(image);
      if (!prediction) {
        prediction = { image };
        byImage.set(image, prediction);
      }
      return prediction;
    },
    all: () => [...byImage.values()],
  };
}

const numberIn = (text: string | undefined) => (text === undefined || text.trim() === '' ? Number.NaN : Number(text));

/**
 * Reads a CSV whose header decides what it is: one column per class (`Image Index,Atelectasis,…`), or one row per box in
 * the layout of `BBox_List_2017.csv` (`Image Index,Finding Label,x,y,w,h[,score]`).
 *
 * @throws InputError for a header that is neither, values that are no number, and probabilities outside [0, 1]
 */
export function predictionCsvReader(options: PredictionOptions): PredictionReader {
  const { source = 'predictions', classes, logits = false } = options;
  const predictions = collector();
  let readRow: ((fields: string[]) => void) | undefined;

  function readHeader(header: string[]) {
    const names = header.map(normalizeHeader);
    const image = Math.max(
      names.findIndex((name) => IMAGE_COLUMNS.includes(name)),
      0,
    );
    const labelColumn = names.findIndex((name) => ['finding label', 'label'].includes(name));
    if (labelColumn >= 0 && header.length >= 6) return boxRow(image, labelColumn, names);
    const columns = header
      .map((name, at) => ({ label: canonicalLabel(name.trim()), at }))
      .filter(({ label, at }) => at !== image && classes.includes(label));
    if (columns.length > 0) return scoreRow(image, columns);
    throw new InputError(`${source}: the header names no class`, {
      expected: `a column per class (${classes.slice(0, 3).join(', ')}, …) or the columns of BBox_List_2017.csv`,
      given: header.slice(0, 20).join(',').slice(0, 200),
    });
  }

  const scoreRow = (image: number, columns: { label: string; at: number }[]) => (fields: string[]) => {
    const prediction = predictions.of(fields[image] ?? '');
    const kind = logits ? 'logits' : 'probabilities';
    if (prediction[kind]) throw new Error(`${prediction.image} is listed twice`);
    const values: Record<string, number> = {};
    for (const { label, at } of columns) {
      const value = numberIn(fields[at]);
      if (!Number.isFinite(value) || (!logits && (value < 0 || value > 1))) {
        const wanted = logits ? 'a number' : 'a probability in [0, 1]';
        throw new Error(`${label} of ${prediction.image} should be ${wanted}, given ${JSON.stringify(fields[at])}`);
      }
      values[label] = value;
    }
    prediction[kind] = values;
  };

  const boxRow = (image: number, label: number, names: string[]) => {
    // The published header splits `Bbox [x,y,w,h]` at its commas: x stands where the name does, the rest behind it.
    const x = Math.max(
      names.findIndex((name) => name === 'x' || name.startsWith('bbox [x')),
      label + 1,
    );
    const score = names.findIndex((name) => ['score', 'probability'].includes(name));
    return (fields: string[]) => {
      const prediction = predictions.of(fields[image] ?? '');
      const finding: Finding = {
        label: canonicalLabel((fields[label] ?? '').trim()),
        score: score < 0 ? 1 : numberIn(fields[score]),
        box: boxOf(fields.slice(x, x + 4).map(numberIn)),
      };
      if (!Number.isFinite(finding.score)) throw new Error(`a box of ${prediction.image} has no score`);
      prediction.findings ??= [];
      prediction.findings.push(finding);
    };
  };

  const reader = csvReader(
    (fields, row) => {
      try {
        if (readRow) readRow(fields);
        else readRow = readHeader(fields);
      } catch (error) {
        if (error instanceof InputError) throw error;
        throw new InputError(`${source}: row ${row}: ${(error as Error).message}`);
      }
    },
    { source },
  );
  return { ...reader, predictions: predictions.all };
}

function boxOf(numbers: readonly number[]): Box {
  const [x, y, width, height] = numbers;
  if (numbers.length !== 4 || !numbers.every(Number.isFinite) || width <= 0 || height <= 0) {
    throw new Error(`no box: ${JSON.stringify(numbers)}`);
  }
  return { x, y, width, height };
}

function findingOf(value: unknown): Finding {
  const { label, score, box, threshold, area, peak } = (value ?? {}) as Record<string, unknown>;
  if (typeof label !== 'string' || !Number.isFinite(score)) throw new Error('a finding needs a label and a score');
  const { x, y, width, height } = (box ?? {}) as Record<string, unknown>;
  const sides = Array.isArray(box) ? box : [x, y, width, height];
  const optional = Object.entries({ threshold, area, peak }).filter(([, number]) => Number.isFinite(number));
  return { label: canonicalLabel(label), score: score as number, box: boxOf(sides), ...Object.fromEntries(optional) };
}

function pointsOf(value: unknown): Prediction['points'] {
  if (value === undefined || value === null) return undefined;
  const entries = Object.entries(value).map(([label, point]) => {
    if (!Array.isArray(point) || point.length !== 2 || !point.every(Number.isFinite)) {
      throw new Error(`"points" should give [x, y] by label, given ${JSON.stringify(point)}`);
    }
    return [canonicalLabel(label), point as [number, number]] as const;
  });
  return Object.fromEntries(entries);
}

/**
 * Reads JSON lines: per image an object with `image` (or `file`) and any of `probabilities`, `logits`, `findings` and
 * `points`. Lines that carry an `error` instead are passed over: they are what a run says of a file it could not read.
 */
export function predictionLineReader(options: { source?: string; maxLineLength?: number } = {}): PredictionReader {
  const { source = 'predictions', maxLineLength = 1 << 26 } = options;
  const predictions = collector();
  let pending = '';
  let line = 0;

  function readLine(text: string) {
    line += 1;
    if (text.trim() === '') return;
    const where = `${source}: line ${line}`;
    const value = parseJson(text, where) as Record<string, unknown>;
    if (typeof value !== 'object' || value === null) throw new InputError(`${where} is no JSON object`);
    const name = value.image ?? value.file;
    if (value.error !== undefined) return;
    if (typeof name !== 'string') throw new InputError(`${where} names no image`, { expected: 'a string "image"' });
    try {
      const prediction = predictions.of(name);
      if (Object.keys(prediction).length > 1) throw new Error(`${prediction.image} is listed twice`);
      prediction.width = Number(value.width) || undefined;
      prediction.height = Number(value.height) || undefined;
      prediction.probabilities = numbersByLabel(value.probabilities, 'probabilities');
      prediction.logits = numbersByLabel(value.logits, 'logits');
      prediction.points = pointsOf(value.points);
      if (value.findings !== undefined) {
        if (!Array.isArray(value.findings)) throw new Error('"findings" is no list');
        prediction.findings = value.findings.map(findingOf);
      }
    } catch (error) {
      throw new InputError(`${where}: ${(error as Error).message}`, { cause: error });
    }
  }

  return {
    write(text) {
      const lines = (pending + text).split('\n');
      pending = lines.pop() as string;
      if (pending.length > maxLineLength) {
        throw new InputError(`${source}: line ${line + lines.length + 1} is too long`, {
          expected: `at most ${maxLineLength} characters`,
        });
      }
      for (const each of lines) readLine(each);
    },
    end() {
      if (pending !== '') readLine(pending);
    },
    predictions: predictions.all,
  };
}

/** Joins predictions of the same images from several sources, for example probabilities and boxes. */
export function mergePredictions(...sources: Iterable<Prediction>[]): Prediction[] {
  const byImage = new Map<string, Prediction>();
  for (const prediction of sources.flatMap((source) => [...source])) {
    const known = byImage.get(prediction.image);
    if (!known) {
      byImage.set(prediction.image, { ...prediction });
      continue;
    }
    for (const key of ['probabilities', 'logits', 'findings', 'points'] as const) {
      if (known[key] && prediction[key]) throw new InputError(`${prediction.image} has ${key} in two sources`);
    }
    const given = Object.entries(prediction).filter(([, value]) => value !== undefined);
    Object.assign(known, Object.fromEntries(given));
  }
  return [...byImage.values()];
}
