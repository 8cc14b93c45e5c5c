/** Numbers from the options of the benchmarks. */
import { InvalidArgumentError } from 'commander';

/** @throws InvalidArgumentError for anything but a finite number above 0 */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}
