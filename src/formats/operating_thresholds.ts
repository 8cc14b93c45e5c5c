/** Operating thresholds: the probability from which a class counts as found. */

/** Operating thresholds by the names of classes. */
export type OperatingThresholds = Readonly<Record<string, number>>;

/** Used if neither the weights nor the caller give a threshold. */
export const DEFAULT_OPERATING_THRESHOLD = 0.5;

/** Whether a value can be an operating threshold. */
export const isProbability = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1;

/**
 * The threshold of a class from the first of these objects that has one, or else the default. Only own keys are looked at, because a class
 * may be called `constructor`.
 */
export function operatingThresholdOf(label: string, ...given: (OperatingThresholds | undefined)[]): number {
  return given.find((one) => one && Object.hasOwn(one, label))?.[label] ?? DEFAULT_OPERATING_THRESHOLD;
}
