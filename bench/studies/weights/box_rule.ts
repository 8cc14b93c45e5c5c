/**
 * Chooses heat thresholds, `minRegion` and `heatmapBorder` of weights on images with truth boxes, so that few boxes are false and most truth boxes are hit.
 *
 * A finding is scored by F1: the harmonic mean of the share of its boxes that are right and the share of its truth boxes that are hit. IoBB
 * alone would reward tiny boxes, and IoU alone large ones, so the mean over several criteria decides, with equal weight for each finding.
 */
import { type Criterion, isRight } from '../../../src/evaluate/localization.js';
import type { Box } from '../../../src/formats/findings.js';
import { DEFAULT_HEAT_THRESHOLDS } from '../../../src/formats/heat_thresholds.js';

/** How a heatmap becomes boxes. */
export interface BoxRule {
  heatThresholds: readonly number[];
  /** In cells of the heatmap. */
  minRegion: number;
  /** How many of the outer cells at each side have no heat. */
  heatmapBorder: number;
}

/** A finding that an image has, with all regions of its heatmap at all heat thresholds that are tried. */
export interface Sample {
  label: string;
  patient: string;
  /** The border that the heatmap was given. */
  heatmapBorder: number;
  truth: readonly Box[];
  regions: readonly { threshold: number; area: number; peak: number; box: Box }[];
  /** Area of a cell of the heatmap, in pixels of the image. */
  cellArea: number;
}

export interface RuleScore extends BoxRule {
  /** Mean F1 over findings and criteria. */
  f1: number;
  /** False boxes for each truth box, by the criterion IoU > 0.1. */
  falseBoxes: number;
  labels: { label: string; truthBoxes: number; boxes: number; f1: number }[];
}

/** At IoU > 0.1, 0.2 and 0.3 and at IoBB > 0.25, as the paper compares its figures. */
const CRITERIA: readonly Criterion[] = [
  ...[0.1, 0.2, 0.3].map((threshold) => ({ measure: 'IoU' as const, threshold })),
  { measure: 'IoBB', threshold: 0.25 },
];

/** The heat thresholds that are tried, alone and in pairs. They include the paper's. */
export const TRIED = Array.from({ length: 16 }, (_, index) => 15 * (index + 1));
/** The borders that are tried, in cells, for heatmaps whose lowest heat is 0. */
export const TRIED_BORDERS = [0, 1, 2, 3, 4, 5];
const TRIED_REGIONS = [0, 0.5, 1, 2, 4, 8, 16, 32, 64];
export const PAPER_RULE: BoxRule = { heatThresholds: DEFAULT_HEAT_THRESHOLDS, minRegion: 0, heatmapBorder: 0 };

/** The rule with the highest F1. Of equal ones, the one that comes first in the order of fewer and lower numbers. */
export function bestRule(samples: readonly Sample[]): RuleScore {
  const borders = [...new Set(samples.map(({ heatmapBorder }) => heatmapBorder))].sort((a, b) => a - b);
  return borders.map((border) => bestWithin(samples, border)).reduce((best, one) => (one.f1 > best.f1 ? one : best));
}

function bestWithin(samples: readonly Sample[], heatmapBorder: number): RuleScore {
  return bestOf(samples.filter((one) => one.heatmapBorder === heatmapBorder).map(countable), heatmapBorder);
}

/** The rule with the highest F1 on samples that all have this border. */
export const bestOf = (samples: readonly Countable[], heatmapBorder: number): RuleScore =>
  rulesToTry(heatmapBorder)
    .map((rule) => scoreOf(samples, rule))
    .reduce((best, one) => (one.f1 > best.f1 ? one : best));

function rulesToTry(heatmapBorder: number): BoxRule[] {
  const pairs = TRIED.flatMap((low, index) => TRIED.slice(index + 1).map((high) => [low, high]));
  return [...TRIED.map((one) => [one]), ...pairs].flatMap((heatThresholds) =>
    TRIED_REGIONS.map((minRegion) => ({ heatThresholds, minRegion, heatmapBorder })),
  );
}

export const scoreRule = (samples: readonly Sample[], rule: BoxRule): RuleScore =>
  scoreOf(samples.filter(({ heatmapBorder }) => heatmapBorder === rule.heatmapBorder).map(countable), rule);

/** A sample with what does not depend on the rule. */
export interface Countable extends Sample {
  /** Which truth boxes each region hits, by criterion. */
  hits: number[][][];
  /** Places in `regions`, by heat threshold. */
  placesAt: ReadonlyMap<number, readonly number[]>;
  highest: number;
}

export function countable(sample: Sample): Countable {
  const { truth, regions } = sample;
  const hits = regions.map(({ box }) =>
    CRITERIA.map((criterion) => truth.flatMap((one, index) => (isRight(box, one, criterion) ? [index] : []))),
  );
  const placesAt = new Map<number, number[]>();
  for (const [place, { threshold }] of regions.entries()) {
    const places = placesAt.get(threshold) ?? [];
    places.push(place);
    placesAt.set(threshold, places);
  }
  return { ...sample, hits, placesAt, highest: regions.reduce((most, { peak }) => Math.max(most, peak), 0) };
}

/** The samples of each finding. */
export function byLabel(samples: readonly Countable[]): Map<string, Countable[]> {
  const groups = new Map<string, Countable[]>();
  for (const one of samples) {
    const group = groups.get(one.label) ?? [];
    group.push(one);
    groups.set(one.label, group);
  }
  return groups;
}

function scoreOf(samples: readonly Countable[], rule: BoxRule): RuleScore {
  const tallies = [...byLabel(samples)].map(([label, group]) => ({ label, ...tally(group, rule) }));
  const scored = tallies.map(({ label, ...counts }) => {
    const { truthBoxes, boxes } = counts;
    return { label, truthBoxes, boxes, f1: f1Of(counts) };
  });
  const sum = (of: (one: (typeof tallies)[number]) => number) => tallies.reduce((total, one) => total + of(one), 0);
  return {
    ...rule,
    f1: mean(scored.map(({ f1 }) => f1)),
    falseBoxes: sum(({ boxes, right }) => boxes - right[0]) / sum(({ truthBoxes }) => truthBoxes),
    labels: scored,
  };
}

export const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;

/** The mean F1 over the criteria. */
export const f1Of = ({ boxes, truthBoxes, right, hit }: Tally) =>
  mean(CRITERIA.map((_, c) => harmonic(right[c] / boxes, hit[c] / truthBoxes)));

/** The harmonic mean of two shares; 0 if both are 0, or if there are no boxes to have a share of. */
const harmonic = (a: number, b: number) => (a > 0 && b > 0 ? (2 * a * b) / (a + b) : 0);

/** The boxes that a rule gives, the truth boxes, and by criterion the right ones of the former and the hit ones of the latter. */
export interface Tally {
  boxes: number;
  truthBoxes: number;
  right: readonly number[];
  hit: readonly number[];
}

/** Counts what a rule gives for some samples. */
export function tally(
  samples: readonly Countable[],
  { heatThresholds, minRegion }: Pick<BoxRule, 'heatThresholds' | 'minRegion'>,
): Tally {
  const right = CRITERIA.map(() => 0);
  const hit = CRITERIA.map(() => 0);
  let [boxes, truthBoxes] = [0, 0];
  for (const { truth, regions, hits, placesAt, highest, cellArea } of samples) {
    truthBoxes += truth.length;
    const found = CRITERIA.map(() => new Set<number>());
    for (const at of heatThresholds.flatMap((threshold) => placesAt.get(threshold) ?? [])) {
      const { area, peak } = regions[at];
      // As in `localize`, the region with the highest heat gives a box however small it is.
      if (area < minRegion * cellArea && peak < highest) continue;
      boxes += 1;
      for (const [c, some] of hits[at].entries()) {
        if (some.length > 0) right[c] += 1;
        for (const index of some) found[c].add(index);
      }
    }
    for (const [c, some] of found.entries()) hit[c] += some.size;
  }
  return { boxes, truthBoxes, right, hit };
}
