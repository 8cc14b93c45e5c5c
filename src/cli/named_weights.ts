/** Loads weights for commands. Weights may have no names for their outputs. */

import type { LoadOptions } from '../localizer/load_options.js';
import { type Localizer, loadFiles } from '../localizer/localizer.js';
import type { Localization } from '../localizer/results.js';
import type { OnFile } from '../localizer/weights/weights_input.js';
import { naming, UsageError } from './terminal.js';

/**
 * Loads weights. The option `--classes` chooses some of the classes by their names. If the outputs have only numbers, `--classes` gives names:
 * one for each output, in the order of the outputs. Names of a public layout are kept, because a list in another order would exchange them.
 * @param onFile gets the bytes of the weights' files
 */
export async function loadNamed(
  weights: string,
  classes: readonly string[] | undefined,
  options: LoadOptions,
  onFile?: OnFile,
): Promise<Localizer> {
  const localizer = await loadFiles(weights, options, onFile).catch(naming(weights));
  const areNumbered = isUnnamed(localizer) && localizer.classes.some((name) => /^output \d+$/.test(name));
  if (!classes || !areNumbered || classes.every((name) => localizer.classes.includes(name))) return localizer;
  const { length: outputs } = localizer.classes;
  await localizer.close();
  if (classes.length !== outputs)
    throw new UsageError(
      `the weights do not name their ${outputs} outputs: --classes names ${classes.length}; give ${outputs} names in the order of the outputs with --names`,
    );
  return loadFiles(weights, { ...options, classes: [...classes] }, onFile);
}

/** Whether the weights do not say what their outputs are called. */
export const isUnnamed = ({ warnings }: Pick<Localizer, 'warnings'>) =>
  warnings.some(({ code }) => code === 'unnamed-outputs');

/** The warnings of a result that are about its image. */
export const ofImage = ({ warnings }: Pick<Localization, 'warnings'>, localizer: Pick<Localizer, 'warnings'>) => {
  const ofWeights = new Set(localizer.warnings);
  return warnings.filter((warning) => !ofWeights.has(warning));
};
