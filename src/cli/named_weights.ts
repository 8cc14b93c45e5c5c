/** Weights on the command line whose outputs may have no names. */
import { type LoadOptions, type Localizer, load } from '../localizer/localizer.js';
import { UsageError } from './terminal.js';

/**
 * Loads weights whose outputs may have no names. `--classes`, which chooses among names, gives them where there are none: as many
 * as there are outputs, in their order.
 */
export async function loadNamed(
  weights: string,
  classes: readonly string[] | undefined,
  options: LoadOptions,
): Promise<Localizer> {
  const localizer = await load(weights, options);
  if (!classes || !isUnnamed(localizer) || classes.every((name) => localizer.classes.includes(name))) return localizer;
  const { length: outputs } = localizer.classes;
  await localizer.close();
  if (classes.length !== outputs)
    throw new UsageError(
      `the weights do not name their ${outputs} outputs: --classes names ${classes.length}; give ${outputs} names in the order of the outputs with --names`,
    );
  return load(weights, { ...options, classes: [...classes] });
}

export const isUnnamed = ({ warnings }: Pick<Localizer, 'warnings'>) =>
  warnings.some(({ code }) => code === 'unnamed-outputs');
