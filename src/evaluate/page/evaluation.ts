/** Writes an evaluation as one HTML file. */

import type { Box } from '../../formats/findings.js';
import { checkOptions, optionKinds } from '../../options.js';
import type { EvaluationResult } from '../evaluate.js';
import type { Case } from './cases.js';
import { classificationSection } from './classification.js';
import { pageOf } from './frame.js';
import { localizationSection } from './localization.js';
import { maskSection } from './mask_section.js';
import { footer, METHOD, notes } from './notes.js';
import { loadPlots } from './plots.js';
import { count, type Html, html, noun, number } from './text.js';

/** A case with its picture: the X-ray, with or without its heatmap. The page draws the boxes. */
export interface CasePicture extends Case {
  /** PNG or JPEG as a data URL. */
  picture: string;
  /** Size of the image in whose pixels boxes are given. The picture may be smaller. */
  width: number;
  height: number;
}

/** What the page of results shows besides the scores. */
export interface EvaluationPageOptions {
  title?: string;
  /** One line under the title: what was evaluated, on what. */
  subtitle?: string;
  cases?: readonly CasePicture[];
}

const OPTIONS = optionKinds<EvaluationPageOptions>({
  title: 'a text',
  subtitle: 'a text',
  cases: 'an object or a list',
});

/**
 * An evaluation as one HTML page that loads nothing else.
 * @throws InputError if the plotting libraries, which are optional, are not installed.
 */
export async function evaluationPage(result: EvaluationResult, options: EvaluationPageOptions = {}): Promise<string> {
  checkOptions('evaluationPage', options, OPTIONS);
  const { title = 'Evaluation', subtitle = '', cases = [] } = options;
  const plots = await loadPlots();
  const main = html`${tiles(result)}
${notes(result)}
${classificationSection(result, plots)}
${localizationSection(result, plots)}
${maskSection(result.masks, plots)}
${casesSection(cases)}
${METHOD}
${footer(result)}`;
  return pageOf(title, subtitle, main);
}

function tiles({ images, patients, overall, meanAuc, localization, validationImages }: EvaluationResult): Html {
  const tile = (value: string, what: string) => html`<div class="tile"><b>${value}</b><span>${what}</span></div>`;
  const all = localization?.known.scores.at(-1);
  const scored = overall.filter(({ auc }) => Number.isFinite(auc)).length;
  const shown = [
    tile(count(images), `${noun(images, 'image')} of ${count(patients)} ${noun(patients, 'patient')}`),
    tile(number(meanAuc), `mean AUC of ${scored} ${noun(scored, 'disease')}`),
  ];
  if (validationImages > 0)
    shown.push(tile(count(validationImages), `${noun(validationImages, 'image')} to fit operating thresholds on`));
  if (localization && all) {
    const [figures] = all.figures;
    shown.push(
      tile(
        count(localization.truthBoxes),
        `${noun(localization.truthBoxes, 'box', 'boxes')} in ${count(localization.images)} ${noun(localization.images, 'image')}`,
      ),
      tile(number(figures.accuracy), `of them hit at ${figures.measure} > ${figures.threshold}`),
      tile(number(all.meanIou), 'mean IoU, disease known'),
    );
  }
  return html`<div class="tiles">${shown}</div>`;
}

const TRUTH_COLOR = '#4ade80';
const DETECTED_COLOR = '#ffb020';

function casesSection(cases: readonly CasePicture[]): Html {
  const row = (kind: Case['kind'], heading: string) => {
    const some = cases.filter((each) => each.kind === kind);
    return some.length === 0 ? '' : html`<h3>${heading}</h3><div class="cases">${some.map(figureOf)}</div>`;
  };
  if (cases.length === 0) return html``;
  return html`<section id="cases"><h2>Cases</h2>
<div class="key"><span><i style="border-color:${TRUTH_COLOR}"></i>truth</span><span><i style="border-color:${DETECTED_COLOR};border-top-style:dashed"></i>detected</span></div>
${row('best', 'Best')}${row('worst', 'Worst')}</section>`;
}

function figureOf({ image, label, reason, score, truth, detected, picture, width, height }: CasePicture): Html {
  const stroke = Math.max(width, height) / 170;
  const rectangle = (color: string, dashes: string) => (box: Box) =>
    html`<rect x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" fill="none" stroke="${color}" stroke-width="${stroke}" stroke-dasharray="${dashes}"/>`;
  // Only data URLs are allowed, because the page must not fetch anything.
  const source = /^data:image\/(png|jpeg);base64,[A-Za-z0-9+/=]+$/.test(picture) ? picture : '';
  return html`<figure class="case"><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label} in ${image}">
<image href="${source}" width="${width}" height="${height}"/>
${truth.map(rectangle(TRUTH_COLOR, ''))}${detected.map(rectangle(DETECTED_COLOR, `${3 * stroke} ${2 * stroke}`))}</svg>
<figcaption>${label}: ${reason}<small>${image}, score ${number(score)}</small></figcaption></figure>`;
}
