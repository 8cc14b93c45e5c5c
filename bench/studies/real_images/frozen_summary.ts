/** Writes the results of the study of frozen features as tables. */
import { markdownTable } from '../../markdown.js';
import type { Agreement } from './label_noise.js';
import type { CurveScores, Estimated } from './learning_curve.js';

export interface FrozenResults {
  noise?: Agreement[];
  curve?: CurveScores & { test: number };
  features?: FeatureScores[];
  /** The same images in files of different sizes. */
  sizes?: FeatureScores[];
}

interface FeatureScores {
  name: string;
  images: number;
  width: number;
  fourteen: Estimated;
  eight: Estimated;
}

export function frozenSummary({ curve, features, sizes, noise }: FrozenResults): string {
  const sections = [
    ...(curve ? [curveTable(curve)] : []),
    ...(features ? [featureTable(features)] : []),
    ...(sizes ? [featureTable(sizes)] : []),
    ...(noise ? [noiseTable(noise)] : []),
  ];
  return `${sections.join('\n\n')}\n`;
}

function curveTable({ points, extrapolated, law }: NonNullable<FrozenResults['curve']>): string {
  const rows = points.map(({ images, draws, auc, spread }) => [
    ...[String(images), String(draws), estimate(auc)],
    draws > 1 ? figure(spread) : '–',
  ]);
  const beyond = extrapolated.map(({ images, auc }) => [`*${images}*`, '–', `*${estimate(auc)}*`, '–']);
  const { limit, factor, exponent } = law;
  return [
    markdownTable(['training images', 'draws', 'mean AUC of fourteen', 'deviation over draws'], [...rows, ...beyond]),
    `In italics: AUC = ${figure(limit)} − ${figure(factor, 2)} · n^−${figure(exponent, 2)}, extrapolated.`,
  ].join('\n\n');
}

const featureTable = (features: readonly FeatureScores[]) =>
  markdownTable(
    ['features', 'number', 'training images', 'mean AUC of fourteen', 'of eight'],
    features.map(({ name, width, images, fourteen, eight }) => [
      ...[name, String(width), String(images), estimate(fourteen), estimate(eight)],
    ]),
  );

/** The columns of scores are left out if there are none. */
function noiseTable(noise: readonly Agreement[]): string {
  const isScored = noise.some(({ auc }) => auc);
  const head = [
    ...['finding (reader)', 'mined label', 'images', 'read', 'mined', 'both', 'kappa'],
    ...['reports find of the read', 'right of the mined'],
    ...(isScored ? ['AUC, mined as truth', 'AUC, read as truth', 'difference'] : []),
  ];
  const rows = noise.map(({ finding, reader, mined, images, positives, kappa, found, right, auc }) => {
    const scores = auc ? [estimate(auc.mined), estimate(auc.read), signed(auc.difference)] : ['–', '–', '–'];
    return [
      ...[`${finding} (${reader})`, mined.join(', '), String(images)],
      ...[positives.read, positives.mined, positives.both].map(String),
      ...[estimate(kappa, 2), estimate(found, 2), estimate(right, 2)],
      ...(isScored ? scores : []),
    ];
  });
  return markdownTable(head, rows);
}

const figure = (value: number, digits = 3) => (Number.isFinite(value) ? value.toFixed(digits).replace('-', '−') : '–');

const estimate = ({ value, low, high }: Estimated, digits = 3) =>
  Number.isFinite(value) ? `${figure(value, digits)} (${figure(low, digits)} to ${figure(high, digits)})` : '–';

const signed = (one: Estimated) => (one.value > 0 ? `+${estimate(one)}` : estimate(one));
