/**
 * Rules of boxes by class, as `boxRules` of the metadata has them: a heart is cut out otherwise than a nodule. Each class has only a part of
 * the truth boxes, so cross-validation by patient decides whether rules by class are better than one rule for all.
 */
import { fnv1a } from '../../../src/random.js';
import {
  type BoxRule,
  bestOf,
  byLabel,
  type Countable,
  countable,
  f1Of,
  mean,
  type Sample,
  type Tally,
  tally,
} from './box_rule.js';

/** Heat thresholds and `minRegion` of a class. The border is the same for all, because it belongs to the heatmap. */
type ClassRule = Pick<BoxRule, 'heatThresholds' | 'minRegion'>;

export interface ClassRules {
  /** By class, without those that have too few truth boxes. Empty if one rule for all is as good. */
  rules: Record<string, ClassRule>;
  /** Mean F1 over findings, on images of patients that the rules were not fitted on. */
  crossValidated: { oneRule: number; byClass: number };
}

const FOLDS = 5;
/** A class with fewer truth boxes has the rule for all. */
const LEAST_TRUTH_BOXES = 20;

/** @param samples of several borders; those of `general.heatmapBorder` count */
export function rulesByClass(samples: readonly Sample[], general: BoxRule): ClassRules {
  const { heatmapBorder } = general;
  const own = samples.filter((one) => one.heatmapBorder === heatmapBorder).map(countable);
  const [oneRule, byClass] = [new Map<string, Tally>(), new Map<string, Tally>()];
  for (let fold = 0; fold < FOLDS; fold++) {
    const [tested, fitted] = split(own, fold);
    if (tested.length === 0 || fitted.length === 0) continue;
    const forAll = bestOf(fitted, heatmapBorder);
    const forEach = fitByClass(fitted, heatmapBorder);
    for (const [label, group] of byLabel(tested)) {
      add(oneRule, label, tally(group, forAll));
      add(byClass, label, tally(group, forEach[label] ?? forAll));
    }
  }
  const score = (tallies: Map<string, Tally>) => mean([...tallies.values()].map(f1Of));
  const crossValidated = { oneRule: score(oneRule), byClass: score(byClass) };
  const isBetter = crossValidated.byClass > crossValidated.oneRule;
  return { rules: isBetter ? fitByClass(own, heatmapBorder) : {}, crossValidated };
}

/** The samples of a fold's patients, and all others. Patients are spread by a hash, so that no order of images matters. */
function split(samples: readonly Countable[], fold: number): [tested: Countable[], fitted: Countable[]] {
  const isTested = ({ patient }: Countable) => fnv1a(patient) % FOLDS === fold;
  return [samples.filter(isTested), samples.filter((one) => !isTested(one))];
}

function fitByClass(samples: readonly Countable[], heatmapBorder: number): Record<string, ClassRule> {
  const rules: Record<string, ClassRule> = {};
  for (const [label, group] of byLabel(samples)) {
    const truthBoxes = group.reduce((sum, { truth }) => sum + truth.length, 0);
    if (truthBoxes < LEAST_TRUTH_BOXES) continue;
    const { heatThresholds, minRegion } = bestOf(group, heatmapBorder);
    rules[label] = { heatThresholds, minRegion };
  }
  return rules;
}

/** Adds what was counted in a fold to what was counted in those before. */
function add(tallies: Map<string, Tally>, label: string, { boxes, truthBoxes, right, hit }: Tally): void {
  const before = tallies.get(label);
  const sum = (a: readonly number[] | undefined, b: readonly number[]) => b.map((value, c) => value + (a?.[c] ?? 0));
  tallies.set(label, {
    boxes: boxes + (before?.boxes ?? 0),
    truthBoxes: truthBoxes + (before?.truthBoxes ?? 0),
    right: sum(before?.right, right),
    hit: sum(before?.hit, hit),
  });
}
