/**
 * Reports → the fourteen columns of the CheXpert labeller (Irvin et al., AAAI 2019), with its values. Sentences and rules
 * are those of `mineReport`; what counts as which column is in `chexpert_phrases.ts` and follows that labeller: an
 * infiltrate is Lung Opacity, heart failure is Edema, fibrosis is Pleural Other, and pericardial fluid is no Pleural
 * Effusion.
 */

import {
  type ChexpertObservation,
  chexpertDenials,
  chexpertOtherMeanings,
  chexpertPhrases,
} from './chexpert_phrases.js';
import { otherMeanings } from './lexicon.js';
import { compileLexicon, type Evidence, readReport, type Target } from './read.js';

/** The columns in the labeller's order. */
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

/** One of the 14 columns of CheXpert’s labeller. */
export type ChexpertLabel = (typeof chexpertLabels)[number];

/** 1 positive, 0 negative, -1 uncertain, `null` not mentioned. */
export type ChexpertValue = 1 | 0 | -1 | null;

/** By column: 1 mentioned as present, 0 as absent, −1 as uncertain, absent where it is not mentioned. */
export interface ChexpertLabels {
  /** One value per column, in the order of `chexpertLabels`. */
  values: Record<ChexpertLabel, ChexpertValue>;
  evidence: Evidence<ChexpertObservation>[];
  /** No sentence of the text counts: No Finding is 1, since nothing is found in it. */
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
  // An old fracture and a device "status post" are still to be seen.
  (concept) => concept !== 'Fracture' && concept !== 'Support Devices',
);

const statusValues = { positive: 1, uncertain: -1, negative: 0 } as const;
/** Where mentions differ: stated beats uncertain beats negated. */
const rank = (value: ChexpertValue): number => (value === null ? -1 : [0, -1, 1].indexOf(value));

/**
 * Mines one report for CheXpert's columns. No Finding is 1 where nothing but Support Devices is positive or uncertain, and
 * otherwise not mentioned.
 * @param text a whole report (its sections are found by their headings) or just its findings and impression.
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
