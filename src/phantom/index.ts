/** `raybox/phantom`: draws synthetic chest X-rays with known diseases, boxes and reports. */
import { drawAnatomy, drawFrame } from './anatomy.js';
import { drawBones } from './bones.js';
import { createCanvas, drawSoftTissue, drawTexture } from './chest.js';
import { type Device, drawDevices, drawMarkers } from './devices.js';
import { develop, drawExposure } from './display.js';
import type { Box, Finding } from './lesion.js';
import { deform, drawLesions } from './lesions.js';
import { drawLookAlikes, type LookAlike } from './lookalikes.js';
import { DISEASES, type Disease, type PhantomOptions, resolveOptions } from './options.js';
import { drawLabels, drawPatient, PART, type Patient } from './patient.js';
import { stream } from './random.js';
import { writeReport } from './report.js';

export type { Device } from './devices.js';
export type { Box, Finding } from './lesion.js';
export type { LookAlike } from './lookalikes.js';
export {
  DISEASES,
  type Disease,
  type PhantomOptions,
  type PhantomStyle,
  PRESETS,
  type Preset,
  REAL_PREVALENCE,
} from './options.js';
export type { Patient } from './patient.js';

/** A drawn chest radiograph and all that is known about it. */
export interface Phantom {
  /** Pixels in row-major order from the top, one byte each. */
  image: { data: Uint8Array; width: number; height: number; channels: 1 };
  /** The labels for a label file: the diseases in the picture, changed by label noise. */
  labels: Disease[];
  /** The diseases that are in the picture. */
  truth: Disease[];
  /** A box for each lesion, in pixels, half-open. Label noise does not change them. */
  boxes: (Box & { label: Disease })[];
  /** Each lesion with its side, zone, severity and box. */
  findings: Finding[];
  devices: Device[];
  lookAlikes: LookAlike[];
  /** A report text with indication, findings and impression, which agrees with `truth`. */
  report: string;
  patient: Patient;
}

/**
 * Draws image `index` of the data set `seed`: a synthetic frontal chest radiograph with its labels, boxes and report. The same options give the
 * same bytes in every JavaScript engine and in any order. It is not made from the data of any patient, and no figure measured on it says how
 * well a method works on patients.
 * @throws InputError if an option is out of range.
 */
export function drawPhantom(options: PhantomOptions): Phantom {
  const style = resolveOptions(options);
  const { seed, index, size, variation } = style;
  const patient = drawPatient(seed, index);
  const personal = (part: number) => stream(seed, patient.id - 1, part);
  const own = (part: number) => stream(seed, index, part);
  const { planned, labels } = drawLabels(style, patient);
  const deformation = deform(planned);

  const visit = own(PART.visit + 64);
  const frame = drawFrame(visit, size, variation);
  const exposure = drawExposure(visit, style);
  const person = personal(PART.anatomy);
  const anatomy = drawAnatomy(person, visit, patient, variation, deformation);
  const canvas = createCanvas(frame, anatomy);
  drawSoftTissue(canvas, visit);
  const findings = drawLesions(canvas, planned, deformation, personal(PART.vessels));
  drawTexture(canvas, own(PART.texture));
  drawBones(canvas, person);

  const deviceRandom = own(PART.devices);
  const pneumothorax = findings.find(({ label }) => label === 'Pneumothorax')?.side;
  const treated = deviceRandom.chance(style.confounder) ? pneumothorax : undefined;
  const devices = drawDevices(canvas, deviceRandom, patient, style.distractors, treated);
  const lookAlikes = drawLookAlikes(canvas, own(PART.lookAlikes), style.lookAlikes);
  drawMarkers(canvas, own(PART.markers), patient, style.distractors);

  return {
    image: { data: develop(canvas.density, exposure, own(PART.noise)), width: size, height: size, channels: 1 },
    labels,
    truth: DISEASES.filter((label) => findings.some((finding) => finding.label === label)),
    boxes: findings.map(({ label, box }) => ({ label, ...box })),
    findings,
    devices,
    lookAlikes,
    report: writeReport(own(PART.report), patient, findings, devices, treated),
    patient,
  };
}
