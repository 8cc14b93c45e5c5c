/**
 * Predictions from anywhere: JSON lines as `raybox localize` writes them, and what joins several sources. A CSV is read in
 * predictions_csv.ts, a COCO file in coco.ts. Labels stay as a file spells them, but for
 * the published slips (`Infiltrate`); whoever scores them matches them with its classes.
 */
import { InputError } from '../errors.js';
import type { OnWarning } from '../warnings.js';
import { brief } from './checkpoint.js';
import { type Box, type Finding, fileName, type Prediction } from './findings.js';
import { canonicalLabel } from './image_table.js';
import { numbersByLabel, parseJson, probabilitiesByLabel, sizeIn } from './json.js';
import { listed } from './label_names.js';
import type { PredictionReader } from './predictions_csv.js';

/** One entry per image, in order of appearance. */
export function predictionCollector() {
  const byImage = new Map<string, { prediction: Prediction; path: string }>();
  return {
    /** @throws an Error where there is no name, or one that another folder's image has too */
    of(text: string): Prediction {
      const path = text.trim();
      const image = fileName(path);
      if (image === '') throw new Error('no image name');
      const known = byImage.get(image);
      if (known === undefined) {
        const prediction = { image };
        byImage.set(image, { prediction, path });
        return prediction;
      }
      if (known.path !== path) throw new Error(`${known.path} and ${path} are two images of one name`);
      return known.prediction;
    },
    all: () => Array.from(byImage.values(), ({ prediction }) => prediction),
  };
}

function boxOf(numbers: readonly number[]): Box {
  const [x, y, width, height] = numbers;
  if (numbers.length !== 4 || !numbers.every(Number.isFinite) || width <= 0 || height <= 0) {
    throw new Error(`no box: ${brief(numbers)}`);
  }
  return { x, y, width, height };
}

function findingOf(value: unknown): Finding {
  const { label, score, box, threshold, area, peak } = (value ?? {}) as Record<string, unknown>;
  if (typeof label !== 'string' || label.trim() === '' || !Number.isFinite(score)) {
    throw new Error(`a finding needs a label and a score, given ${brief([label, score])}`);
  }
  const { x, y, width, height } = (box ?? {}) as Record<string, unknown>;
  const sides = Array.isArray(box) ? box : [x, y, width, height];
  const optional = Object.entries({ threshold, area, peak }).filter(([, number]) => Number.isFinite(number));
  return {
    label: canonicalLabel(label.trim()),
    score: score as number,
    box: boxOf(sides),
    ...Object.fromEntries(optional),
  };
}

function pointsOf(value: unknown): Prediction['points'] {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object') throw new Error(`"points" should give [x, y] by label, given ${brief(value)}`);
  const entries = Object.entries(value).map(([label, point]) => {
    if (!Array.isArray(point) || point.length !== 2 || !point.every(Number.isFinite)) {
      throw new Error(`"points" should give [x, y] by label, given ${brief(point)}`);
    }
    return [canonicalLabel(label), point as [number, number]] as const;
  });
  return Object.fromEntries(entries);
}

/** What a line may say; other keys are not used, and said. The last ones are what `raybox localize` says beside its findings. */
const KEYS = [
  ...['image', 'file', 'width', 'height', 'probabilities', 'logits', 'findings', 'points'],
  ...['error', 'truncated', 'warnings'],
];

/**
 * Reads JSON lines: per image an object with `image` (or `file`) and any of `probabilities`, `logits`, `findings` and
 * `points`. Lines that carry an `error` instead are passed over: they are what a run says of a file it could not read.
 */
export function predictionLineReader(
  options: { source?: string; maxLineLength?: number; onWarning?: OnWarning } = {},
): PredictionReader {
  const { source = 'predictions', maxLineLength = 1 << 26, onWarning = () => {} } = options;
  const predictions = predictionCollector();
  const seen = new Set<Prediction>();
  const unknownKeys = new Set<string>();
  let failed = 0;
  let pending = '';
  let line = 0;

  function readLine(text: string) {
    line += 1;
    if (text.trim() === '') return;
    const where = `${source}: line ${line}`;
    const value = parseJson(text, where) as Record<string, unknown>;
    if (typeof value !== 'object' || value === null) throw new InputError(`${where} is no JSON object`);
    const name = value.image ?? value.file;
    if (value.error !== undefined) {
      failed += 1;
      return;
    }
    if (typeof name !== 'string') {
      throw new InputError(`${where} names no image`, { expected: 'a string "image"', given: brief(name) });
    }
    for (const key of Object.keys(value)) if (!KEYS.includes(key)) unknownKeys.add(key);
    try {
      const prediction = predictions.of(name);
      if (seen.has(prediction)) throw new Error(`${prediction.image} is listed twice`);
      seen.add(prediction);
      prediction.width = sizeIn(value.width, 'width');
      prediction.height = sizeIn(value.height, 'height');
      prediction.probabilities = probabilitiesByLabel(value.probabilities, 'probabilities');
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
      const ignored = (message: string) => onWarning({ code: 'ignored-data', message: `${source}: ${message}` });
      if (unknownKeys.size > 0) ignored(`keys that mean nothing here were not used: ${listed(unknownKeys)}.`);
      if (failed > 0) ignored(`${failed} lines are of images that could not be predicted.`);
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
