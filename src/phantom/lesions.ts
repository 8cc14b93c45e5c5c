/** Draws the diseases of a patient, and finds the box of each one. */
import type { Anatomy, Deformation } from './anatomy.js';
import { AIR, type Canvas, drawVessels } from './chest.js';
import { type Box, boxAround, drawSide, type Finding, type Lesion, sideName, visibleBox } from './lesion.js';
import { at, lerp } from './math.js';
import { drawAtelectasis, drawEffusion, drawInfiltration, drawPneumonia, drawRound } from './opacities.js';
import type { Disease } from './options.js';
import type { Planned } from './patient.js';
import { collapseLung } from './pneumothorax.js';
import type { Random } from './random.js';
import { addAndClear, type Frame, type Layer, toX, toY } from './raster.js';

/** A pixel belongs to the box of a lesion if the lesion changes its density by at least this share of its strongest change. */
const VISIBLE = 0.3;
/** Large lesions are drawn first, so that small ones can find a place beside them. */
const ORDER: readonly Disease[] = [
  'Cardiomegaly',
  'Effusion',
  'Pneumonia',
  'Atelectasis',
  'Infiltration',
  'Mass',
  'Nodule',
];

/** How diseases change the anatomy itself. This is decided before anything is drawn. */
export function deform(planned: readonly Planned[]): Deformation {
  const deformation: Deformation = { raised: { right: 0, left: 0 } };
  for (const { label, severity, random } of planned) {
    if (label === 'Cardiomegaly') deformation.cardiothoracicRatio = lerp(0.5, 0.66, severity * random.between(0.8, 1));
    if (label === 'Atelectasis') {
      // A lung that has lost volume pulls the diaphragm up.
      deformation.atelectasis = drawSide(random);
      deformation.raised[sideName(deformation.atelectasis)] = lerp(0.002, 0.014, severity);
    }
  }
  return deformation;
}

/** Draws the vessels and all planned diseases, and gives a finding for each lesion. Cardiomegaly is in the anatomy already. */
export function drawLesions(
  canvas: Canvas,
  planned: readonly Planned[],
  deformation: Deformation,
  vesselRandom: Random,
): Finding[] {
  const findings: Finding[] = [];
  const vessels = drawVessels(canvas, vesselRandom);
  const find = (label: Disease) => planned.find((disease) => disease.label === label);
  const lesion = ({ label, severity, random }: Planned): Lesion => ({
    canvas,
    random,
    severity,
    occupied: findings.filter((finding) => finding.label !== 'Cardiomegaly').map(({ box }) => box),
    commit: (layer, finding, gain = 1) => {
      const box = visibleBox(layer, VISIBLE);
      if (gain > 0) useUpAir(canvas.air, layer, gain);
      addAndClear(canvas.density, layer, gain);
      if (box) findings.push({ label, severity, ...finding, box });
      return box;
    },
  });

  const pneumothorax = find('Pneumothorax');
  if (pneumothorax) collapseLung(lesion(pneumothorax), vessels);
  const aerated = canvas.air.slice();
  for (const label of ORDER) {
    const disease = find(label);
    if (!disease) continue;
    const it = lesion(disease);
    if (label === 'Cardiomegaly') {
      findings.push({ label, severity: it.severity, box: heartBox(canvas.frame, canvas.anatomy) });
    } else if (label === 'Effusion') drawEffusion(it);
    else if (label === 'Pneumonia') drawPneumonia(it);
    else if (label === 'Atelectasis') drawAtelectasis(it, deformation.atelectasis ?? 1);
    else if (label === 'Infiltration') drawInfiltration(it);
    else drawRound(it, label as 'Mass' | 'Nodule');
  }
  // Vessels are only visible against the air around them, so they fade where lesions have replaced air.
  for (let i = 0; i < aerated.length; i++)
    if (aerated[i] > canvas.air[i]) vessels.data[i] *= canvas.air[i] / aerated[i];
  addAndClear(canvas.density, vessels, 1);
  return findings;
}

/** Reduces the air by what a lesion fills, so that two lesions in one place are not denser than tissue. */
function useUpAir(air: Float32Array, { data, size, x0, y0, x1, y1 }: Layer, gain: number): void {
  for (let y = y0; y < y1; y++) {
    for (let i = y * size + x0; i < y * size + x1; i++) {
      if (data[i] > 0) air[i] = Math.max(0, air[i] - (gain * data[i]) / AIR);
    }
  }
}

/** The box of the heart's silhouette, down to where it disappears behind the diaphragm. */
function heartBox(frame: Frame, anatomy: Anatomy): Box {
  const top = anatomy.heartTopV - 0.005;
  const bottom = Math.min(anatomy.heartBottomV, anatomy.left.domeV + 0.035);
  let x0 = frame.size;
  let x1 = 0;
  for (let v = top; v <= bottom; v += 0.004) {
    x0 = Math.min(x0, toX(frame, -at(anatomy.heartRight, v), v));
    x1 = Math.max(x1, toX(frame, at(anatomy.heartLeft, v), v));
  }
  return boxAround(frame.size, x0, toY(frame, top), x1, toY(frame, bottom));
}
