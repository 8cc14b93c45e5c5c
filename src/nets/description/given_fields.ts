/** What metadata of a file still says beside fields that a caller gives instead. */
import { InputError } from '../../errors.js';
import type { WeightsMetadata } from '../../formats/weights/weights.js';

/**
 * The fields of a file, as far as they hold beside those that the caller gave.
 *
 * - Names of classes are given to the same outputs, in their order. So thresholds and rules by class stay with their outputs.
 * - Heat thresholds or a `minRegion` of the caller's hold for all classes, as they do in `localize`, unless the caller gives `boxRules` too.
 */
export function besideGiven<Fields extends Partial<WeightsMetadata>>(
  file: Fields,
  given: Partial<WeightsMetadata>,
): Fields {
  const { operatingThresholds, boxRules } = file;
  const fields = {
    ...file,
    ...(operatingThresholds ? { operatingThresholds: renamed(operatingThresholds, file, given) } : {}),
    ...(boxRules ? { boxRules: renamed(boxRules, file, given) } : {}),
  };
  if (!fields.boxRules || given.boxRules) return fields;
  const rules = Object.entries(fields.boxRules).map(([label, rule]) => {
    const left = Object.entries(rule).filter(([field]) => given[field as keyof typeof rule] === undefined);
    return [label, Object.fromEntries(left)] as const;
  });
  const kept = Object.fromEntries(rules.filter(([, rule]) => Object.keys(rule).length > 0));
  return { ...fields, boxRules: Object.keys(kept).length > 0 ? kept : undefined };
}

/** Values by the names that the file has, by those that the caller gave. @throws InputError if there are more or fewer of these */
function renamed<Value>(
  byClass: Readonly<Record<string, Value>>,
  { classes: before }: Partial<WeightsMetadata>,
  { classes: after }: Partial<WeightsMetadata>,
): Record<string, Value> {
  if (!before || !after) return { ...byClass };
  if (after.length !== before.length)
    throw new InputError('the option classes is wrong', {
      expected: `${before.length} names, one for each output`,
      given: `${after.length}`,
    });
  return Object.fromEntries(Object.entries(byClass).map(([label, value]) => [after[before.indexOf(label)], value]));
}
