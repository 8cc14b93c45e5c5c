/**
 * Reads predictions as JSON lines, as `raybox localize` writes them. Labels keep the file's spelling, except for those of the published
 * files (`Infiltrate`, see `canonicalLabel`). They are matched with classes later, by the scoring.
 */

import { InputError } from '../../errors.js';
import type { OnWarning } from '../../warnings.js';
import { brief } from '../brief.js';
import { isObject } from '../checks.js';
import { canonicalLabel } from '../data_sets/image_table.js';
import { listed } from '../data_sets/label_names.js';
import { type Box, type Finding, fileName, type Prediction } from '../findings.js';
import { numbersByLabel, parseJson, probabilitiesByLabel, sizeIn } from '../json.js';
import { predictionCollector, refuseContradiction } from './predictions.js';
import type { PredictionReader } from './predictions_csv.js';

const CORNER_FORM = '[x1, y1, x2, y2], in pixels, with an area';
/** The forms that a box may have. Others (`w` and `h`, corners with names) are refused, because they could be misread as one of these. */
const BOX_FORMS = '{"x", "y", "width", "height"} or [x, y, width, height], in pixels, with an area';

/** @param corners whether the four numbers of a list are two corners. It does not apply to objects, whose numbers have names */
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

/** The keys of a finding. Other keys are not used, with a warning. */
const FINDING_KEYS = ['label', 'score', 'box', 'threshold', 'area', 'peak', 'outsideLungs'];

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

/** The keys of a line. Other keys are not used, with a warning. Those of the last row are written by `raybox localize`, and do not matter here. */
const KEYS = [
  ...['image', 'file', 'width', 'height', 'probabilities', 'logits', 'findings', 'points'],
  ...['error', 'truncated', 'warnings', 'method', 'madeBy'],
];

/** Names that other programs use for these keys, for a hint in messages. */
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

export interface LineOptions {
  source?: string;
  maxLineLength?: number;
  /** Whether boxes that are lists of four numbers are two corners. Default: a corner, width and height. */
  corners?: boolean | undefined;
  onWarning?: OnWarning | undefined;
}

/**
 * Reads JSON lines. Each line is an object for one image, with `image` (or `file`) and any of `probabilities`, `logits`, `findings` and
 * `points`. Lines with an `error` are skipped, because a run writes them for files that it could not read.
 */
export function predictionLineReader(options: LineOptions = {}): PredictionReader {
  const { source = 'predictions', maxLineLength = 1 << 26, corners = false, onWarning = () => {} } = options;
  const predictions = predictionCollector();
  const seen = new Set<Prediction>();
  const unknownKeys = new Set<string>();
  const makers = new Set<string>();
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
    for (const key of unknownKeysOf(value)) unknownKeys.add(key);
    if (makers.size < 2) makers.add(makerOf(value.madeBy));
    try {
      const prediction = predictions.of(name);
      if (seen.has(prediction)) throw new Error(`${prediction.image} is listed twice`);
      seen.add(prediction);
      Object.assign(prediction, contentOf(value, corners));
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
      if (unknownKeys.size > 0) refuseUnscorable(predictions.all(), unknownKeys, source);
      const ignored = (message: string) => onWarning({ code: 'ignored-data', message: `${source}: ${message}` });
      if (unknownKeys.size > 0) {
        const shown = [...unknownKeys].slice(0, 8).map(withMeant).join(', ');
        const rest = unknownKeys.size > 8 ? ` and ${unknownKeys.size - 8} more` : '';
        ignored(`keys that mean nothing here were not used: ${shown}${rest}.`);
      }
      if (makers.size > 1)
        onWarning({
          code: 'assumed-data',
          message: `${source}: lines were made by different weights or options ("madeBy"). They are scored as those of one network.`,
        });
      if (failed > 0)
        ignored(
          `${failed === 1 ? '1 line is of an image' : `${failed} lines are of images`} that could not be predicted.`,
        );
    },
    predictions: predictions.all,
  };
}

/** The predictions in a line. @throws an Error for an invalid value */
function contentOf(value: Record<string, unknown>, corners: boolean): Omit<Prediction, 'image'> {
  const { findings } = value;
  if (findings !== undefined && !Array.isArray(findings)) throw new Error('"findings" is not a list');
  const content = {
    ...sizeIn(value, ''),
    probabilities: probabilitiesByLabel(value.probabilities, 'probabilities'),
    logits: numbersByLabel(value.logits, 'logits'),
    points: pointsOf(value.points),
    ...(findings && { findings: findings.map((each) => findingOf(each, corners)) }),
  };
  refuseContradiction(content);
  return content;
}

/** The weights and options by which `raybox localize` made a line; empty if it does not say it. */
const makerOf = (madeBy: unknown): string => (isObject(madeBy) ? JSON.stringify([madeBy.weights, madeBy.options]) : '');

/** The unknown keys of a line and of its findings. */
function unknownKeysOf(value: Record<string, unknown>): string[] {
  const ofFindings = Array.isArray(value.findings) ? value.findings.filter(isObject).flatMap(Object.keys) : [];
  return [
    ...Object.keys(value).filter((key) => !KEYS.includes(key)),
    ...ofFindings.filter((key) => !FINDING_KEYS.includes(key)).map((key) => `findings.${key}`),
  ];
}

/** @throws InputError if no line has anything that can be scored, but only unknown keys, such as the names of classes */
function refuseUnscorable(predictions: readonly Prediction[], keys: ReadonlySet<string>, source: string): void {
  const isScorable = ({ probabilities, logits, findings, points }: Prediction) =>
    probabilities ?? logits ?? findings ?? points;
  if (predictions.length === 0 || predictions.some(isScorable)) return;
  throw new InputError(
    `${source}: no line has anything to score, only ${[...keys].slice(0, 8).map(withMeant).join(', ')}`,
    {
      expected: '"probabilities" or "logits", {"Mass": 0.5, …}, or "findings"',
    },
  );
}

function objectIn(text: string, where: string): Record<string, unknown> {
  const value = parseJson(text, where);
  if (isObject(value)) return value;
  throw new InputError(`${where} is not a JSON object`, {
    expected: 'an object on each line',
    given: Array.isArray(value) ? 'a list' : brief(value),
    ...(Array.isArray(value) ? { hint: 'write each of its objects on a line of its own' } : {}),
  });
}

/** The name of a line's image. `file` may repeat it with its folders. */
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
