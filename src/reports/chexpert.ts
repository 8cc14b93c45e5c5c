/**
 * Mines reports for the fourteen columns of the CheXpert labeller (Irvin et al., AAAI 2019), with its values. Sentences and rules are those
 * of `mineReport`. The words that belong to each column are in `chexpert_phrases.ts` and follow that labeller: an infiltrate is Lung
 * Opacity, heart failure is Edema, fibrosis is Pleural Other, and pericardial fluid is not a Pleural Effusion.
 */

import {
  type ChexpertObservation,
  chexpertDenials,
  chexpertOtherMeanings,
  chexpertPhrases,
} from './chexpert_phrases.js';
import { otherMeanings } from './lexicon.js';
import { compileLexicon, type Evidence, readReport, type Target } from './read.js';

/** The columns, in the order of the labeller. */
export const chexpertLabels = [
  'No Finding',
  'Enlarged Cardiomediastinum',
  'Cardiomegaly',
  'Lung Lesion',
  'Lung Opacity',
  'Edema',
  'Consolidation',
  'Pneumonia',
  'Atelectasis',
  'Pneumothorax',
  'Pleural Effusion',
  'Pleural Other',
  'Fracture',
  'Support Devices',
] as const satisfies readonly ('No Finding' | ChexpertObservation)[];

/** One of the fourteen columns of the CheXpert labeller. */
export type ChexpertLabel = (typeof chexpertLabels)[number];

/** 1 positive, 0 negative, -1 uncertain, `null` not mentioned. */
export type ChexpertValue = 1 | 0 | -1 | null;

/** The result of `mineChexpert`. */
export interface ChexpertLabels {
  /** A value for each column, in the order of `chexpertLabels`. */
  values: Record<ChexpertLabel, ChexpertValue>;
  evidence: Evidence<ChexpertObservation>[];
  /** Whether no sentence of the text counts. No Finding is 1 then, since nothing is found in it. */
  empty: boolean;
}

const entriesOf = (
  lists: Partial<Record<ChexpertObservation, readonly string[]>>,
  more: { denies?: true },
): [string, Target<ChexpertObservation>][] =>
  (Object.keys(lists) as ChexpertObservation[]).flatMap((concept) => {
    const target: Target<ChexpertObservation> = { concept, ...more };
    return (lists[concept] ?? []).map((phrase): [string, Target<ChexpertObservation>] => [phrase, target]);
  });

const lexicon = compileLexicon<ChexpertObservation>(
  [
    ...entriesOf(chexpertPhrases, {}),
    ...entriesOf(chexpertDenials, { denies: true }),
    ...[...otherMeanings, ...chexpertOtherMeanings].map((phrase): [string, Target<ChexpertObservation>] => [
      phrase,
      { concept: null },
    ]),
  ],
  // Fractures and devices do not count as diseases, because old ones are still visible.
  (concept) => concept !== 'Fracture' && concept !== 'Support Devices',
);

const statusValues = { positive: 1, uncertain: -1, negative: 0 } as const;
/** If mentions differ, the one with the highest rank counts: stated, then uncertain, then negated. */
const rank = (value: ChexpertValue): number => (value === null ? -1 : [0, -1, 1].indexOf(value));

/**
 * Mines one report for CheXpert's columns. No Finding is 1 if nothing except Support Devices is positive or uncertain, and `null` otherwise.
 * @param text a whole report, whose sections are found by their headings, or only its findings and impression.
 */
export function mineChexpert(text: string): ChexpertLabels {
  const { evidence, empty } = readReport(text, lexicon);
  const values = Object.fromEntries(chexpertLabels.map((name) => [name, null])) as Record<ChexpertLabel, ChexpertValue>;
  for (const { concept, status } of evidence) {
    const value = statusValues[status];
    if (rank(value) > rank(values[concept])) values[concept] = value;
  }
  const found = evidence.some(({ concept, status }) => concept !== 'Support Devices' && status !== 'negative');
  if (!found) values['No Finding'] = 1;
  return { values, evidence, empty };
}
