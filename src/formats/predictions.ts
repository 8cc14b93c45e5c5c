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
import { isRecord, numbersByLabel, parseJson, probabilitiesByLabel, sizeIn } from './json.js';
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

const CORNER_FORM = '[x1, y1, x2, y2], in pixels, with an area';
/** The forms that a box may have. Others (`w` and `h`, corners with names) might be taken for one of these, and are refused. */
const BOX_FORMS = '{"x", "y", "width", "height"} or [x, y, width, height], in pixels, with an area';

/** @param corners whether the four numbers of a list are two corners; those of an object have names */
function boxOf(box: unknown, corners: boolean): Box {
  const { x, y, width, height } = (box ?? {}) as Record<string, unknown>;
  const isList = Array.isArray(box);
  const sides = isList ? box : [x, y, width, height];
  const isFilled = sides.length === 4 && sides.every(Number.isFinite);
  const [left, top, third, fourth] = sides;
  const size = corners && isList ? [third - left, fourth - top] : [third, fourth];
  if (isFilled && size[0] > 0 && size[1] > 0) return { x: left, y: top, width: size[0], height: size[1] };
  const isObject = typeof box === 'object' && box !== null && !isList;
  const given = isObject
    ? `{${Object.entries(box)
        .slice(0, 8)
        .map(([key, side]) => `${key}: ${brief(side)}`)
        .join(', ')}}`
    : brief(box);
  throw new Error(`no box: given ${given.slice(0, 200)}, expected ${corners ? CORNER_FORM : BOX_FORMS}`);
}

/** What a finding may say; other keys are not used, and said. */
const FINDING_KEYS = ['label', 'score', 'box', 'threshold', 'area', 'peak'];

function findingOf(value: unknown, corners: boolean): Finding {
  const { label, score, box, threshold, area, peak } = (value ?? {}) as Record<string, unknown>;
  if (typeof label !== 'string' || label.trim() === '' || !Number.isFinite(score)) {
    throw new Error(`a finding needs a label and a score, given ${brief([label, score])}`);
  }
  const optional = Object.entries({ threshold, area, peak }).filter(([, number]) => Number.isFinite(number));
  return {
    label: canonicalLabel(label.trim()),
    score: score as number,
    box: boxOf(box, corners),
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

/** What people call these keys elsewhere, by what they mean here. */
const OTHER_NAMES: Readonly<Record<string, RegExp>> = {
  probabilities: /^(?:probs?|probability|scores?|preds?|predictions?|outputs?|confidences?)$/i,
  logits: /^(?:logit|raw_?(?:scores?|outputs?))$/i,
  findings: /^(?:boxes|bbox(?:es)?|detections?|annotations?|finding)$/i,
  points: /^(?:point|peaks?|maxima)$/i,
  image: /^(?:img|image_?(?:id|name|path|index)|file_?(?:name|path)|name|path|id)$/i,
};

const meantBy = (key: string) => Object.keys(OTHER_NAMES).find((name) => OTHER_NAMES[name].test(key));
const withMeant = (key: string) => {
  const meant = meantBy(key);
  return listed([key]) + (meant === undefined ? '' : ` (did you mean ${meant}?)`);
};

/** Between a probability and the sigmoid of its logit: more than rounding to two digits, or half precision, leaves. */
const TOLERANCE = 0.02;

/** @throws an Error where probabilities and logits of an image are those of two networks, or one is not what it is called */
export function refuseContradiction({ probabilities = {}, logits = {} }: Prediction): void {
  for (const [label, logit] of Object.entries(logits)) {
    const probability = Object.hasOwn(probabilities, label) ? probabilities[label] : undefined;
    const expected = 1 / (1 + Math.exp(-logit));
    if (probability === undefined || Math.abs(probability - expected) <= TOLERANCE) continue;
    throw new Error(
      `probabilities and logits contradict each other: of ${label} ${probability}, where the sigmoid of ${logit} is ${expected.toFixed(3)}; leave one of them out`,
    );
  }
}

export interface LineOptions {
  source?: string;
  maxLineLength?: number;
  /** Whether boxes that are lists of four numbers are two corners. Default: a corner, width and height. */
  corners?: boolean | undefined;
  onWarning?: OnWarning | undefined;
}

/**
 * Reads JSON lines: per image an object with `image` (or `file`) and any of `probabilities`, `logits`, `findings` and
 * `points`. Lines that carry an `error` instead are passed over: they are what a run says of a file it could not read.
 */
export function predictionLineReader(options: LineOptions = {}): PredictionReader {
  const { source = 'predictions', maxLineLength = 1 << 26, corners = false, onWarning = () => {} } = options;
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
    const value = objectIn(text, where);
    if (value.error !== undefined) {
      failed += 1;
      return;
    }
    const name = imageOf(value, where);
    for (const key of Object.keys(value)) if (!KEYS.includes(key)) unknownKeys.add(key);
    try {
      const prediction = predictions.of(name);
      if (seen.has(prediction)) throw new Error(`${prediction.image} is listed twice`);
      seen.add(prediction);
      Object.assign(prediction, sizeIn(value, ''));
      prediction.probabilities = probabilitiesByLabel(value.probabilities, 'probabilities');
      prediction.logits = numbersByLabel(value.logits, 'logits');
      refuseContradiction(prediction);
      prediction.points = pointsOf(value.points);
      if (value.findings !== undefined) {
        if (!Array.isArray(value.findings)) throw new Error('"findings" is no list');
        prediction.findings = value.findings.map((each) => findingOf(each, corners));
        for (const key of value.findings.flatMap(Object.keys)) {
          if (!FINDING_KEYS.includes(key)) unknownKeys.add(`findings.${key}`);
        }
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
      if (unknownKeys.size > 0) refuseUnsaid(predictions.all(), unknownKeys, source);
      const ignored = (message: string) => onWarning({ code: 'ignored-data', message: `${source}: ${message}` });
      if (unknownKeys.size > 0) {
        const shown = [...unknownKeys].slice(0, 8).map(withMeant).join(', ');
        const rest = unknownKeys.size > 8 ? ` and ${unknownKeys.size - 8} more` : '';
        ignored(`keys that mean nothing here were not used: ${shown}${rest}.`);
      }
      if (failed > 0)
        ignored(
          `${failed === 1 ? '1 line is of an image' : `${failed} lines are of images`} that could not be predicted.`,
        );
    },
    predictions: predictions.all,
  };
}

/** @throws InputError where no line says anything that can be scored, and so only keys that mean nothing: classes, say */
function refuseUnsaid(predictions: readonly Prediction[], keys: ReadonlySet<string>, source: string): void {
  const saysMuch = ({ probabilities, logits, findings, points }: Prediction) =>
    probabilities ?? logits ?? findings ?? points;
  if (predictions.length === 0 || predictions.some(saysMuch)) return;
  throw new InputError(
    `${source}: no line says what is scored, but ${[...keys].slice(0, 8).map(withMeant).join(', ')}`,
    {
      expected: '"probabilities" or "logits", {"Mass": 0.5, …}, or "findings"',
    },
  );
}

function objectIn(text: string, where: string): Record<string, unknown> {
  const value = parseJson(text, where);
  if (isRecord(value)) return value;
  throw new InputError(`${where} is no JSON object`, {
    expected: 'an object on each line',
    given: Array.isArray(value) ? 'a list' : brief(value),
    ...(Array.isArray(value) ? { hint: 'write each of its objects on a line of its own' } : {}),
  });
}

/** The name of a line's image, which `file` may give with its folders too. */
function imageOf(value: Record<string, unknown>, where: string): string {
  const { image, file } = value;
  const name = image ?? file;
  if (typeof name !== 'string') {
    const meant = Object.keys(value).find((key) => meantBy(key) === 'image');
    throw new InputError(`${where} names no image`, {
      expected: 'a string "image"',
      given: brief(name),
      ...(meant === undefined ? {} : { hint: `is ${brief(meant)} the image?` }),
    });
  }
  if (typeof file === 'string' && fileName(file.trim()) !== fileName(name.trim())) {
    throw new InputError(`${where}: image and file name two images`, {
      given: `${brief(image)} and ${brief(file)}`,
      hint: 'leave one of them out',
    });
  }
  return name;
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
    try {
      refuseContradiction(known);
    } catch (error) {
      throw new InputError(`${known.image}: ${(error as Error).message}`, { cause: error });
    }
  }
  return [...byImage.values()];
}
