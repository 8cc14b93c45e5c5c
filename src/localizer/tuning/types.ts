/** The types of tuning, apart from the code, which is loaded on demand. */

import type { ChooseVariant } from '../../graph/plan/lower.js';
import type { KernelChoice } from '../../graph/tuning/choose.js';
import type { Warning } from '../../warnings.js';

/** How `load` tunes. */
export interface TuneOptions {
  /** Seconds after which no further measurement is begun. What was not measured by then is chosen by similarity or by rules. Default 60. */
  seconds?: number;
  /** Batch sizes to measure. Others are chosen by similarity. Default `[1]`; `localizeAll` runs batches of 4 by default. */
  batches?: readonly number[];
}

export interface Tuning {
  /** The option `choose` of the network's plans. */
  readonly choose: ChooseVariant;
  /** Which kernels were chosen by measurements so far. */
  choices(): KernelChoice[];
  /** Why something kept could not be used, or could not be kept. */
  readonly warnings: readonly Warning[];
}
