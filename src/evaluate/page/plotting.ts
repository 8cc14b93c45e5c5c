/** Draws figures as SVG text, by Observable Plot on linkedom, without a browser. Both are optional packages. */
import { loadOptional } from '../../formats/optional.js';

export const COLORS = {
  result: '#1f5fa8',
  second: '#d1495b',
  median: '#8a6d3b',
  random: '#9aa3ad',
  paper: '#3d8b5f',
  grid: '#c9d1d9',
} as const;

export type PlotOptions = import('@observablehq/plot').PlotOptions;

/**
 * Loads the packages, and gives the library and a function that draws with it. Plot's own style, which every figure would repeat, is left
 * out, because the page has one for all figures.
 * @throws InputError if the packages are not installed.
 */
export async function loadPlotting(purpose: string) {
  const Plot = await loadOptional('@observablehq/plot', purpose, () => import('@observablehq/plot'));
  const { parseHTML } = await loadOptional('linkedom', purpose, () => import('linkedom'));
  const page = parseHTML('<!doctype html><html><body></body></html>').document;

  function draw(options: PlotOptions, description: string): string {
    const svg = Plot.plot({
      document: page as unknown as Document,
      // In attributes linkedom escapes only quotes, so the other special characters are removed.
      ariaLabel: description.replace(/[<>&]/g, ' '),
      ...options,
    });
    return svg.outerHTML.replace(/<style>[^<]*<\/style>/g, '');
  }
  return { Plot, draw };
}
