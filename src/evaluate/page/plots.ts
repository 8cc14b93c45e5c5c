/** Draws the figures of the page as SVG text. */
import type { ReliabilityBin } from '../calibration.js';
import type { ClassScore } from '../classification.js';
import type { GroupScore } from '../evaluate.js';
import { FROC_RATES } from '../froc.js';
import type { Criterion, LocalizationScore } from '../localization.js';
import type { LocalizationResult } from '../localize.js';
import type { MaskScore } from '../masks/evaluation.js';
import { COLORS, loadPlotting, type PlotOptions } from './plotting.js';

export interface Plots {
  roc(score: ClassScore): string;
  reliability(score: ClassScore): string;
  groups(label: string, overall: ClassScore, groups: readonly GroupScore[]): string;
  accuracy(label: string, measure: Criterion['measure'], lines: readonly AccuracyLine[]): string;
  froc(result: LocalizationResult): string;
  /** Pixel precision over recall. */
  pixels(score: MaskScore): string;
}

export interface AccuracyLine {
  color: string;
  dashed?: boolean;
  points: { threshold: number; accuracy: number }[];
}

/** The figures of one label for all thresholds T of one measure. */
export const accuracyPoints = (score: LocalizationScore, measure: Criterion['measure']) =>
  score.figures.filter((figure) => figure.measure === measure);

/** What each figure is drawn with. */
interface Kit {
  Plot: typeof import('@observablehq/plot');
  draw(options: PlotOptions, description: string): string;
}

const axis = (label: string, domain = [0, 1], ticks = [0, 0.5, 1]) => ({
  label,
  labelAnchor: 'center' as const,
  labelArrow: 'none' as const,
  domain,
  ticks,
  tickFormat: (value: number) => `${value}`,
});

const SQUARE = { width: 210, height: 210, marginTop: 12, marginRight: 12, marginBottom: 34, marginLeft: 44 };

/** @throws InputError if the plotting libraries, which are optional, are not installed. */
export async function loadPlots(): Promise<Plots> {
  const { Plot, draw: drawSvg } = await loadPlotting('the page of results');
  const kit: Kit = { Plot, draw: (options, description) => drawSvg({ ...SQUARE, ...options }, description) };
  return {
    roc: rocPlot(kit),
    reliability: reliabilityPlot(kit),
    groups: groupsPlot(kit),
    accuracy: accuracyPlot(kit),
    froc: frocPlot(kit),
    pixels: pixelsPlot(kit),
  };
}

const diagonal = ({ Plot }: Kit) =>
  Plot.line(
    [
      [0, 0],
      [1, 1],
    ],
    { stroke: COLORS.grid, strokeDasharray: '3,3' },
  );

const rocPlot =
  ({ Plot, draw }: Kit): Plots['roc'] =>
  ({ label, roc, operatingPoint: { sensitivity, specificity } }) =>
    draw(
      {
        x: axis('False positive rate'),
        y: axis('True positive rate'),
        marks: [
          diagonal({ Plot, draw }),
          Plot.areaY(roc, {
            x: 'falsePositiveRate',
            y1: 0,
            y2: 'truePositiveRate',
            fill: COLORS.result,
            fillOpacity: 0.07,
          }),
          Plot.line(roc, { x: 'falsePositiveRate', y: 'truePositiveRate', stroke: COLORS.result, strokeWidth: 1.8 }),
          Plot.dot([[1 - specificity, sensitivity]], { r: 4, fill: COLORS.second, stroke: 'white' }),
        ],
      },
      `ROC curve of ${label}`,
    );

const reliabilityPlot =
  ({ Plot, draw }: Kit): Plots['reliability'] =>
  ({ label, calibration, calibrationAfterScaling }) => {
    const curve = (bins: readonly ReliabilityBin[] = [], color: string) => [
      Plot.ruleX(bins, {
        x: 'meanProbability',
        y1: (bin: ReliabilityBin) => bin.observedInterval.low,
        y2: (bin: ReliabilityBin) => bin.observedInterval.high,
        stroke: color,
        strokeOpacity: 0.35,
      }),
      Plot.line(bins, { x: 'meanProbability', y: 'observed', stroke: color }),
      Plot.dot(bins, { x: 'meanProbability', y: 'observed', r: 2.5, fill: color }),
    ];
    return draw(
      {
        x: axis('Predicted probability'),
        y: axis('Observed share'),
        marks: [
          diagonal({ Plot, draw }),
          ...curve(calibration?.bins, COLORS.result),
          ...curve(calibrationAfterScaling?.bins, COLORS.second),
        ],
      },
      `Reliability of ${label}`,
    );
  };

const groupsPlot =
  ({ Plot, draw }: Kit): Plots['groups'] =>
  (label, overall, groups) => {
    const rows = [{ name: 'all', images: overall.positives, score: overall }].concat(
      groups.map(({ by, group, classes }) => {
        const score = classes.find((each) => each.label === label) as ClassScore;
        return { name: `${by} ${group}`, images: score.positives, score };
      }),
    );
    const known = rows.filter(({ score }) => Number.isFinite(score.auc));
    type Row = (typeof rows)[number];
    return draw(
      {
        width: 250,
        height: 46 + 17 * rows.length,
        marginLeft: 92,
        x: axis('AUC'),
        y: { label: null, domain: rows.map(({ name }) => name), tickSize: 0 },
        marks: [
          Plot.ruleX([0.5], { stroke: COLORS.grid, strokeDasharray: '3,3' }),
          Plot.ruleY(known, {
            y: 'name',
            x1: ({ score }: Row) => score.bootstrapInterval.low,
            x2: ({ score }: Row) => score.bootstrapInterval.high,
            stroke: COLORS.result,
            strokeOpacity: 0.5,
          }),
          Plot.dot(known, {
            y: 'name',
            x: ({ score }: Row) => score.auc,
            r: ({ name }: Row) => (name === 'all' ? 4.5 : 3.5),
            fill: ({ name }: Row) => (name === 'all' ? COLORS.second : COLORS.result),
          }),
        ],
        r: { type: 'identity' },
      },
      `AUC of ${label} by group`,
    );
  };

const accuracyPlot =
  ({ Plot, draw }: Kit): Plots['accuracy'] =>
  (label, measure, lines) =>
    draw(
      {
        x: axis(`T(${measure})`),
        y: axis('Accuracy'),
        marks: lines.flatMap(({ color, dashed, points }) => [
          Plot.line(points, {
            x: 'threshold',
            y: 'accuracy',
            stroke: color,
            strokeWidth: dashed ? 1.2 : 1.8,
            strokeDasharray: dashed ? '4,3' : undefined,
          }),
          Plot.dot(points, { x: 'threshold', y: 'accuracy', r: dashed ? 1.8 : 2.8, fill: color }),
        ]),
      },
      `Localization accuracy of ${label} against T(${measure})`,
    );

const pixelsPlot =
  ({ Plot, draw }: Kit): Plots['pixels'] =>
  ({ label, curve = [] }) =>
    draw(
      {
        x: axis('Pixel recall'),
        y: axis('Pixel precision'),
        marks: [
          Plot.line(
            curve.filter(({ precision }) => Number.isFinite(precision)),
            { x: 'recall', y: 'precision', stroke: COLORS.result, strokeWidth: 1.8 },
          ),
        ],
      },
      `Pixel precision over recall of ${label}`,
    );

const frocPlot =
  ({ Plot, draw }: Kit): Plots['froc'] =>
  ({ froc }) => {
    const colors = [COLORS.result, COLORS.second, COLORS.paper, COLORS.median];
    const curves = froc.map(({ points, criterion: { measure, threshold } }, i) => ({
      color: colors[i % colors.length],
      name: `${measure} > ${threshold}`,
      points: [
        { falseBoxesPerImage: FROC_RATES[0], sensitivity: froc[i].atRates[0].sensitivity },
        ...points.filter(
          ({ falseBoxesPerImage: rate }) => rate >= FROC_RATES[0] && rate <= (FROC_RATES.at(-1) as number),
        ),
        { falseBoxesPerImage: FROC_RATES.at(-1), sensitivity: froc[i].atRates.at(-1)?.sensitivity },
      ],
    }));
    return draw(
      {
        width: 520,
        height: 290,
        x: {
          ...axis('False boxes per image', [FROC_RATES[0], FROC_RATES.at(-1) as number], FROC_RATES),
          type: 'log',
          base: 2,
          tickFormat: (rate: number) => (rate < 1 ? `1/${1 / rate}` : `${rate}`),
        },
        y: { ...axis('Sensitivity'), grid: true },
        marks: curves.flatMap(({ color, points, name }, i) => [
          Plot.line(points, {
            x: 'falseBoxesPerImage',
            y: 'sensitivity',
            curve: 'step-after',
            stroke: color,
            strokeWidth: 1.8,
          }),
          Plot.text([name], { frameAnchor: 'top-left', dx: 8, dy: 6 + 14 * i, fill: color, fontWeight: 600 }),
        ]),
      },
      'Free-response ROC',
    );
  };
