/** The weights that come with raybox: one file for X-rays of patients, one for the phantoms that raybox draws. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ImageKind } from '../formats/weights/metadata.js';
import { UsageError } from './terminal.js';

const NAMES: Record<ImageKind, string> = { patients: 'chest8', phantoms: 'phantom8' };

/** The path of the weights for a kind of images; undefined if this installation does not have them. */
export function packagedWeights(kind: ImageKind): string | undefined {
  const path = fileURLToPath(new URL(`../../../weights/${NAMES[kind]}.safetensors`, import.meta.url));
  return existsSync(path) ? path : undefined;
}

/** The path of the weights for X-rays of patients. @throws UsageError if there are none */
export function weightsForPatients(): string {
  const path = packagedWeights('patients');
  if (path !== undefined) return path;
  throw new UsageError('raybox comes with no weights for X-rays of patients: name some with --weights');
}
