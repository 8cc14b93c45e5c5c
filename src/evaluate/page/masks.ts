/** The page of results of predicted masks, which have no classification. */

import type { EvaluationResult } from '../evaluate.js';
import type { EvaluationPageOptions } from './evaluation.js';
import { pageOf } from './frame.js';
import { maskSection } from './mask_section.js';
import { footer, notes } from './notes.js';
import { loadPlots } from './plots.js';
import { html } from './text.js';

/** What was found without weights and probabilities. */
export type MasksResult = Required<Pick<EvaluationResult, 'masks' | 'warnings' | 'level' | 'replicates' | 'seed'>>;

/** @throws InputError if the plotting libraries, which are optional, are not installed */
export async function masksPage(result: MasksResult, options: Omit<EvaluationPageOptions, 'cases'>): Promise<string> {
  const { title = 'Evaluation', subtitle = '' } = options;
  const plots = await loadPlots();
  return pageOf(title, subtitle, html`${notes(result)}\n${maskSection(result.masks, plots)}\n${footer(result)}`);
}
