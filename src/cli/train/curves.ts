/** Draws the curves of a run as an HTML file: the loss of the updates and of the epochs, and the validation AUC. */

import { pageOf } from '../../evaluate/page/frame.js';
import { COLORS, loadPlotting, type PlotOptions } from '../../evaluate/page/plotting.js';
import { Html, html, number, table } from '../../evaluate/page/text.js';
import { bestEpoch, type EpochRecord } from '../../train/checkpoint.js';

/** What the curves of a run are drawn from. */
export interface Curves {
  title: string;
  history: readonly EpochRecord[];
  /** The mean loss of the images of each update. */
  losses: readonly number[];
  updatesPerEpoch: number;
}

/** If there are more points than this, neighbours are averaged, because so many could not be told apart. */
const MOST_POINTS = 400;

/** @throws InputError if the plotting libraries, which are optional, are not installed */
export async function loadCurves(): Promise<(curves: Curves) => string> {
  const { Plot, draw: drawSvg } = await loadPlotting('curves of a training run');
  const frame = { width: 520, height: 300, marginBottom: 36, marginLeft: 52 };
  const draw = (options: PlotOptions, description: string) => new Html(drawSvg({ ...frame, ...options }, description));
  return (curves) => {
    const loss = draw(lossPlot(Plot, curves), 'Training loss');
    const auc = draw(aucPlot(Plot, curves), 'Validation AUC by class');
    return curvesPage(curves, loss, auc);
  };
}

type Plotting = Awaited<ReturnType<typeof loadPlotting>>['Plot'];

const classesOf = ({ history }: Curves) => Object.keys(history[0]?.auc ?? {});

function colorOf(classes: readonly string[], label: string): string {
  const palette = [
    COLORS.result,
    COLORS.second,
    COLORS.paper,
    COLORS.median,
    '#7b5ea7',
    '#0f8b8d',
    '#e07a1f',
    '#5d6b7a',
  ];
  return palette[classes.indexOf(label) % palette.length];
}

const epochAxis = ({ history }: Curves) => ({
  label: 'Epoch',
  labelAnchor: 'center' as const,
  labelArrow: 'none' as const,
  domain: [0, Math.max(1, history.length)] as [number, number],
});

function lossPlot(Plot: Plotting, curves: Curves): PlotOptions {
  const { history, losses, updatesPerEpoch } = curves;
  return {
    x: epochAxis(curves),
    y: { label: 'Loss per image', grid: true, zero: true },
    marks: [
      Plot.line(thinned(losses, updatesPerEpoch), { x: 'epoch', y: 'loss', stroke: COLORS.random, strokeWidth: 1 }),
      Plot.line(history, { x: 'epoch', y: 'loss', stroke: COLORS.result, strokeWidth: 1.8 }),
      Plot.dot(history, { x: 'epoch', y: 'loss', r: 2.5, fill: COLORS.result }),
    ],
  };
}

function aucPlot(Plot: Plotting, curves: Curves): PlotOptions {
  const { history } = curves;
  const best = bestEpoch(history);
  const classes = classesOf(curves);
  const points = history.flatMap(({ epoch, auc }) =>
    Object.entries(auc).flatMap(([label, value]) => (value === null ? [] : [{ epoch, label, value }])),
  );
  return {
    x: epochAxis(curves),
    y: { label: 'Validation AUC', grid: true },
    marks: [
      Plot.ruleY([0.5], { stroke: COLORS.grid, strokeDasharray: '3,3' }),
      ...classes.map((name) =>
        Plot.line(
          points.filter(({ label }) => label === name),
          { x: 'epoch', y: 'value', stroke: colorOf(classes, name), strokeWidth: 1.2 },
        ),
      ),
      Plot.line(history, { x: 'epoch', y: 'meanAuc', stroke: '#1c2733', strokeWidth: 2.4 }),
      ...(best ? [Plot.dot([best], { x: 'epoch', y: 'meanAuc', r: 4.5, fill: COLORS.second, stroke: 'white' })] : []),
    ],
  };
}

function curvesPage(curves: Curves, lossPlot: Html, aucPlot: Html): string {
  const { title, history } = curves;
  const best = bestEpoch(history);
  const classes = classesOf(curves);
  const key = classes.map(
    (label) => html`<span><i style="border-color:${colorOf(classes, label)}"></i>${label}</span>`,
  );
  const rows = history.map(({ epoch, loss, auc, meanAuc }) => [
    `${epoch}${epoch === best?.epoch ? ' (best)' : ''}`,
    number(loss),
    number(meanAuc),
    ...classes.map((label) => number(auc[label])),
  ]);
  const subtitle = `${history.length} epochs; best mean validation AUC ${number(best?.meanAuc)} at epoch ${best?.epoch ?? 0}`;
  const main = html`<div class="columns">
<section><h2>Loss</h2><p>Of each update, and its mean over an epoch.</p><figure>${lossPlot}</figure></section>
<section><h2>Validation AUC</h2><p>By class; the mean is bold, its best epoch marked.</p><figure>${aucPlot}</figure><div class="key">${key}</div></section>
</div>
<section><h2>Epochs</h2>${table(['Epoch', 'Loss', 'Mean AUC', ...classes], rows)}</section>`;
  return pageOf(title, subtitle, main);
}

function thinned(losses: readonly number[], updatesPerEpoch: number): { epoch: number; loss: number }[] {
  const every = Math.ceil(losses.length / MOST_POINTS);
  return Array.from({ length: Math.ceil(losses.length / every) || 0 }, (_, i) => {
    const part = losses.slice(i * every, (i + 1) * every);
    const loss = part.reduce((sum, value) => sum + value, 0) / part.length;
    return { epoch: (i * every + part.length / 2 + 0.5) / updatesPerEpoch, loss };
  });
}
