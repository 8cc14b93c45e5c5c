/** Chooses at random who the patient of an image is, and which diseases the image shows. */
import { clamp } from './math.js';
import { DISEASES, type Disease, type PhantomOptions, type PhantomStyle, prevalences } from './options.js';
import { type Random, stream } from './random.js';

/** The purposes of random streams. If a number changed, the same seed would give other images. So new ones may only be appended. */
export const PART = {
  grouping: 1,
  person: 2,
  visit: 3,
  anatomy: 4,
  vessels: 5,
  texture: 6,
  noise: 7,
  devices: 8,
  report: 9,
  labels: 10,
  labelNoise: 11,
  markers: 12,
  split: 13,
  lookAlikes: 14,
  /** The number of the disease is added to this. */
  lesion: 32,
} as const;

/** All images of a patient are in the same block of this many images. So the patient of an image is found without drawing all images before. */
const BLOCK = 12;
/** Probability that the next image of a block is of the same patient. A patient then has 3 images on average; in the real data set 3.6. */
const SAME_PATIENT = 0.72;

/** The patient that a phantom shows. Several images may be of the same patient. */
export interface Patient {
  /** Number of the patient in this seed's data set. */
  id: number;
  /** 0 for the patient's first image. */
  followUp: number;
  age: number;
  sex: 'M' | 'F';
  /** PA: the patient stands, and the beam comes from behind. AP: the patient is mostly in bed, and the beam comes from the front. */
  view: 'PA' | 'AP';
}

export function drawPatient(seed: number, index: number): Patient {
  const block = Math.floor(index / BLOCK);
  const grouping = stream(seed, block, PART.grouping);
  let first = block * BLOCK;
  for (let i = first + 1; i <= index; i++) if (!grouping.chance(SAME_PATIENT)) first = i;
  const person = stream(seed, first, PART.person);
  const visit = stream(seed, index, PART.visit);
  const followUp = index - first;
  return {
    id: first + 1,
    followUp,
    age: Math.floor(clamp(person.normal(47, 17), 16, 92)) + Math.floor(followUp / 3),
    sex: person.chance(0.56) ? 'M' : 'F',
    view: visit.chance(0.6) ? 'PA' : 'AP',
  };
}

/** A disease to be drawn. */
export interface Planned {
  label: Disease;
  /** From 0 (barely visible) to 1 (obvious). */
  severity: number;
  /** Random numbers for where and how it is drawn. If the disease persists between visits, they are the same at each visit. */
  random: Random;
}

/** The share of a patient's diseases that persist from one visit to the next. */
const PERSISTENCE = 0.6;

/** Decides which diseases an image shows (`planned`), and which ones its label names (`labels`, which may differ by label noise). */
export function drawLabels(options: PhantomOptions & PhantomStyle, patient: Patient) {
  const { seed, index, coOccurrence, labelNoise } = options;
  const prevalence = prevalences(options.prevalence);
  const image = stream(seed, index, PART.labels);
  const person = stream(seed, patient.id - 1, PART.labels + 1024);
  const noise = stream(seed, index, PART.labelNoise);
  const shared = image.unit();
  const planned: Planned[] = [];
  const labels: Disease[] = [];
  DISEASES.forEach((label, d) => {
    const own = image.unit();
    const together = image.chance(coOccurrence);
    const persists = image.chance(PERSISTENCE);
    const lasting = person.unit();
    const draw = together ? shared : persists ? lasting : own;
    const present = options.diseases ? options.diseases.includes(label) : draw < prevalence[label];
    const random = stream(seed, persists ? patient.id - 1 : index, PART.lesion + d + (persists ? 1024 : 0));
    const severity = random.between(options.severity[0], options.severity[1]);
    if (present) planned.push({ label, severity, random });

    // As many false labels are added as are dropped, so that the prevalence of the labels is that of the diseases.
    const p = prevalence[label];
    const flip = noise.unit() < (present ? labelNoise : p < 1 ? Math.min(1, (labelNoise * p) / (1 - p)) : 0);
    if (present !== flip) labels.push(label);
  });
  return { planned, labels };
}

/** Whether a patient belongs to the test set, as a fifth of them do. This does not depend on how many images are drawn. */
export const inTestSet = (seed: number, patientId: number): boolean =>
  stream(seed, patientId - 1, PART.split).chance(0.2);
