/**
 * Writes report texts, in sentences of our own. A disease in the picture is stated at least once without reservation. A disease that is not
 * there may be negated, called resolved, or left open ("cannot be excluded"), but is never stated. So a text never contradicts its picture.
 */
import type { Device } from './devices.js';
import type { Finding, SideName } from './lesion.js';
import { DISEASES, type Disease } from './options.js';
import type { Patient } from './patient.js';
import type { Random } from './random.js';

/** Sentences for each disease. {side} (right, left or bilateral), {zone}, {size} and {cm} are replaced by those of the finding. */
const SEEN: Record<string, readonly string[]> = {
  'Atelectasis plate': [
    'Plate-like atelectasis at the {side} base.',
    'Linear bands of atelectasis in the {side} lower zone, with a slightly raised hemidiaphragm.',
    'There is subsegmental atelectasis above the {side} hemidiaphragm.',
  ],
  'Atelectasis lobar': [
    'Wedge-shaped density in the {side} {zone} zone with loss of volume, in keeping with lobar atelectasis.',
    'Collapse of the {side} {zone} lobe: lobar atelectasis with a straight outer border.',
  ],
  Cardiomegaly: [
    'The heart is enlarged. There is {size} cardiomegaly.',
    'Cardiomegaly is present, the cardiothoracic ratio being above one half.',
    '{Size} cardiomegaly.',
  ],
  Effusion: [
    'There is a {size} {side} pleural effusion, blunting the costophrenic angle.',
    '{Size} {side} pleural effusion with a meniscus along the chest wall.',
    'Fluid layers at the {side} base, consistent with a {size} pleural effusion.',
  ],
  Infiltration: [
    'Ill-defined infiltrate in the {side} {zone} zone.',
    'Patchy infiltration is seen in the {side} {zone} lung.',
    'There is a hazy {side} {zone} zone infiltrate without clear borders.',
  ],
  Mass: [
    'A mass of about {cm} cm lies in the {side} {zone} zone.',
    'There is a rounded {side} {zone} zone lung mass, {cm} cm across.',
    '{cm} cm mass in the {side} {zone} lung.',
  ],
  Nodule: [
    'A nodule of {cm} cm projects over the {side} {zone} zone.',
    'There is a {cm} cm pulmonary nodule in the {side} {zone} lung.',
    'Well-defined {side} {zone} zone lung nodule, {cm} cm.',
  ],
  Pneumonia: [
    'Dense consolidation of the {side} {zone} lobe with air bronchograms, in keeping with pneumonia.',
    'Lobar pneumonia on the {side}, {zone} lobe, with open bronchi inside.',
    'There is {side} {zone} lobe pneumonia.',
  ],
  Pneumothorax: [
    'There is a {size} {side} pneumothorax.',
    '{Size} {side} apical pneumothorax; the pleural line is seen, with no lung markings beyond it.',
    'A {side} pneumothorax is present, {size} in extent.',
  ],
};

const DENIED: Record<Disease, readonly string[]> = {
  Atelectasis: ['No atelectasis.', 'There is no evidence of atelectasis.', 'Prior basal atelectasis has resolved.'],
  Cardiomegaly: ['The heart is normal in size.', 'No cardiomegaly.', 'Heart size is within normal limits.'],
  Effusion: ['No pleural effusion.', 'The costophrenic angles are sharp, without effusion.', 'No effusion is seen.'],
  Infiltration: ['No infiltrate.', 'There is no focal infiltrate.', 'The lungs are free of infiltrates.'],
  Mass: ['No mass.', 'No pulmonary mass is identified.', 'There is no suspicious mass.'],
  Nodule: ['No nodule.', 'No pulmonary nodule is identified.', 'Negative for lung nodules.'],
  Pneumonia: ['No pneumonia.', 'There is no evidence of pneumonia.', 'No sign of pneumonia.'],
  Pneumothorax: ['No pneumothorax.', 'There is no pneumothorax.', 'Negative for pneumothorax.'],
};
const DENIED_TOGETHER: readonly (readonly [readonly Disease[], string])[] = [
  [['Effusion', 'Pneumothorax'], 'No pleural effusion or pneumothorax.'],
  [['Effusion', 'Pneumothorax'], 'There is neither effusion nor pneumothorax.'],
  [['Infiltration', 'Effusion'], 'No infiltrate or effusion.'],
  [['Mass', 'Nodule'], 'No nodule or mass.'],
];
const GUESSED: Partial<Record<Disease, readonly string[]>> = {
  Atelectasis: ['Minimal basal atelectasis cannot be excluded.', 'Faint lines at the base may represent atelectasis.'],
  Effusion: ['A trace effusion cannot be excluded.', 'Possible tiny pleural effusion.'],
  Infiltration: ['Questionable infiltrate, possibly overlapping vessels.'],
  Nodule: ['A small density may represent a nodule or a vessel seen end on.', 'Possible nodule, likely a rib end.'],
  Pneumonia: ['Early pneumonia cannot be excluded.', 'Pneumonia is possible in the right clinical setting.'],
};
const NORMAL: readonly string[] = [
  'Lungs are clear.',
  'Normal chest.',
  'No acute cardiopulmonary abnormality.',
  'Unremarkable chest radiograph.',
];
const ORDINARY: readonly string[] = [
  'The mediastinal contours are unremarkable.',
  'The bones are intact.',
  'The trachea is in the midline.',
  'Mild degenerative change of the spine.',
  'The visible upper abdomen is unremarkable.',
];
const HISTORY: readonly string[] = [
  'Cough.',
  'Shortness of breath.',
  'Chest pain, rule out pneumonia.',
  'Fever, evaluate for infiltrate.',
  'Before surgery.',
  'Known nodule, follow-up.',
  'History of pneumothorax.',
  'Fall, evaluate for pneumothorax.',
  'Follow-up of effusion.',
];
const TREATED: readonly string[] = [
  'A {side} chest tube is in place.',
  'Chest tube on the {side}, its tip at the apex.',
];
const DEVICE_SENTENCE: Partial<Record<Device, string>> = {
  'endotracheal tube': 'The endotracheal tube ends above the carina.',
  'central venous catheter': 'The tip of the central venous catheter projects over the superior vena cava.',
  'nasogastric tube': 'The nasogastric tube reaches the stomach.',
  pacemaker: 'Pacemaker on the left with two leads.',
  port: 'A port system is in place.',
  'sternal wires': 'Sternal wires after surgery.',
  electrodes: 'Monitoring leads overlie the chest.',
};

/** The word for the severity of a finding. Cardiomegaly is mild to marked, the others are small to large. */
function sizeWord({ label, severity }: Finding): string {
  const step = severity < 0.4 ? 0 : severity < 0.75 ? 1 : 2;
  if (label === 'Cardiomegaly') return ['mild', 'moderate', 'marked'][step];
  return ['small', 'moderate', 'large'][step];
}

function describe(random: Random, finding: Finding, side: SideName | 'bilateral'): string {
  const size = sizeWord(finding);
  const words: Record<string, string> = {
    side,
    zone: finding.zone === 'middle' ? 'mid' : (finding.zone ?? ''),
    size,
    Size: size[0].toUpperCase() + size.slice(1),
    cm: (finding.centimetres ?? 0).toFixed(1),
  };
  const key = finding.form ? `${finding.label} ${finding.form}` : finding.label;
  return random.pick(SEEN[key]).replace(/\{(\w+)\}/g, (_, word) => words[word]);
}

function shuffle<T>(random: Random, items: readonly T[]): T[] {
  const left = [...items];
  const out: T[] = [];
  while (left.length > 0) out.push(...left.splice(Math.floor(random.unit() * left.length), 1));
  return out;
}

/** The report of a picture: indication, technique, comparison, findings and impression. */
export function writeReport(
  random: Random,
  patient: Patient,
  findings: readonly Finding[],
  devices: readonly Device[],
  treated: SideName | undefined,
): string {
  const present = DISEASES.filter((label) => findings.some((finding) => finding.label === label));
  const absent = new Set(DISEASES.filter((label) => !present.includes(label)));
  const lines: string[] = [];
  const seen: string[] = [];
  for (const label of present) {
    const these = findings.filter((finding) => finding.label === label);
    const bothSides = label === 'Effusion' && these.length > 1;
    if (bothSides) seen.push(describe(random, these[0], 'bilateral').replace(/\ba bilateral/, 'bilateral'));
    else for (const finding of these) seen.push(describe(random, finding, finding.side ?? 'left'));
  }
  lines.push(...shuffle(random, seen));
  for (const device of devices) {
    const sentence = device === 'chest tube' ? random.pick(TREATED) : DEVICE_SENTENCE[device];
    if (sentence) lines.push(sentence.replace('{side}', treated ?? 'one').replace('the one', 'one side'));
  }

  const guessable = [...absent].filter((label) => GUESSED[label] !== undefined);
  if (guessable.length > 0 && random.chance(0.2)) {
    const label = random.pick(guessable);
    absent.delete(label);
    lines.push(random.pick(GUESSED[label] ?? []));
  }
  for (const [labels, sentence] of shuffle(random, DENIED_TOGETHER)) {
    if (!labels.every((label) => absent.has(label)) || !random.chance(0.5)) continue;
    for (const label of labels) absent.delete(label);
    lines.push(sentence);
  }
  for (const label of shuffle(random, [...absent])) if (random.chance(0.45)) lines.push(random.pick(DENIED[label]));
  lines.push(...shuffle(random, ORDINARY).slice(0, 1 + Math.floor(random.unit() * 2)));

  const impression =
    present.length === 0
      ? random.pick(NORMAL)
      : shuffle(random, present)
          .map((label, i) => `${present.length > 1 ? `${i + 1}. ` : ''}${IMPRESSION[label]}`)
          .join('\n');
  const age = `${patient.age}-year-old ${patient.sex === 'F' ? 'woman' : 'man'}.`;
  const view = patient.view === 'PA' ? 'Frontal view, PA, upright.' : 'Frontal view, AP, portable.';
  const compare = patient.followUp > 0 ? 'Comparison: earlier radiograph of the same patient.' : 'Comparison: none.';
  return [
    `Indication: ${age} ${random.pick(HISTORY)}`,
    `Technique: ${view}`,
    compare,
    `Findings: ${lines.join(' ')}`,
    `Impression:${present.length > 1 ? '\n' : ' '}${impression}`,
    '',
  ].join('\n');
}

const IMPRESSION: Record<Disease, string> = {
  Atelectasis: 'Atelectasis.',
  Cardiomegaly: 'Cardiomegaly.',
  Effusion: 'Pleural effusion.',
  Infiltration: 'Pulmonary infiltrate.',
  Mass: 'Lung mass; further imaging advised.',
  Nodule: 'Pulmonary nodule; follow-up advised.',
  Pneumonia: 'Pneumonia.',
  Pneumothorax: 'Pneumothorax.',
};
