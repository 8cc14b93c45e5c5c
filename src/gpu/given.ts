import { InputError } from '../errors.js';
import type { Gpu } from './device.js';

/** @throws InputError if the first argument of a function, `what`, is not what `openGpu` gives */
export function checkGpu(what: string, gpu: Gpu | undefined): void {
  if (typeof gpu?.device?.createBuffer === 'function') return;
  throw new InputError(`${what}: the first argument is no Gpu`, { expected: 'what openGpu gives' });
}
