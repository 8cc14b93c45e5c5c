/** Operating thresholds: the probability from which a class counts as found. Their default, their bounds, and which of several counts. */

/** By the class's name. */
export type OperatingThresholds = Readonly<Record<string, number>>;

/** Used where neither the weights nor the caller give one. */
export const DEFAULT_OPERATING_THRESHOLD = 0.5;

/** Whether a value can be an operating threshold. */
export const isProbability = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1;

/** The first of these that has one of its own, else the default: a class may be called `constructor`. */
export function operatingThresholdOf(label: string, ...given: (OperatingThresholds | undefined)[]): number {
  return given.find((one) => one && Object.hasOwn(one, label))?.[label] ?? DEFAULT_OPERATING_THRESHOLD;
}
