/** The style sheet of the pages. It needs no fonts to be loaded, and lines up the digits in tables. */
import { COLORS } from './plotting.js';

export const STYLE = `
:root { color-scheme: light; --ink: #1c2733; --soft: #5d6b7a; --line: #e3e8ed; --tint: #f5f8fb; --accent: ${COLORS.result}; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
header { background: #12263a; color: #fff; padding: 2.2rem 0 2rem; }
header h1 { margin: 0; font-size: 1.7rem; font-weight: 650; letter-spacing: -0.01em; }
header p { margin: 0.35rem 0 0; color: #b8c7d6; }
main, .inner { max-width: 1180px; margin: 0 auto; padding: 0 1.5rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 0.8rem; margin: -1.1rem 0 0; }
.tile { background: #fff; border: 1px solid var(--line); border-radius: 8px; padding: 0.8rem 1rem; box-shadow: 0 1px 4px #12263a14; }
.tile b { display: block; font-size: 1.55rem; font-weight: 650; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: 0.83rem; }
h2 { margin: 2.6rem 0 0.3rem; font-size: 1.25rem; letter-spacing: -0.01em; }
h3 { margin: 1.6rem 0 0.4rem; font-size: 1rem; }
section > p { margin: 0.2rem 0 0.9rem; color: var(--soft); max-width: 78ch; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.88rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.32rem 0.6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; white-space: normal; }
.columns th, .columns td { padding: 0.32rem 0.35rem; }
thead th { border-bottom: 1.5px solid #b9c4cf; }
th:first-child, td:first-child, .left { text-align: left; }
tbody tr:hover { background: var(--tint); }
tr.sum td { border-top: 1.5px solid #b9c4cf; font-weight: 600; }
tr.group th { text-align: left; background: var(--tint); color: var(--ink); padding-top: 0.6rem; }
small, .soft { color: var(--soft); font-size: 0.92em; }
td small { font-weight: 400; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(215px, 1fr)); gap: 0.9rem 1rem; }
.grid.wide { grid-template-columns: repeat(auto-fill, minmax(255px, 1fr)); }
figure { margin: 0; }
figure svg { display: block; max-width: 100%; height: auto; font: 10.5px system-ui, sans-serif; color: #4a5866; }
figcaption { font-size: 0.86rem; font-weight: 600; }
figcaption small { font-weight: 400; float: right; }
.key { display: flex; flex-wrap: wrap; gap: 0.3rem 1.2rem; font-size: 0.85rem; color: var(--soft); margin: 0 0 0.6rem; }
.key i { display: inline-block; width: 1.5em; height: 0; border-top: 3px solid; margin-right: 0.45em; vertical-align: 0.25em; }
.columns { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1.5rem 2.5rem; align-items: start; }
@media (max-width: 800px) { .columns { grid-template-columns: minmax(0, 1fr); } }
.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); gap: 1.1rem; }
.case svg { width: 100%; height: auto; background: #000; border-radius: 6px; }
.case figcaption { margin-top: 0.35rem; line-height: 1.35; }
.case figcaption small { float: none; display: block; }
details { margin: 0.9rem 0; } summary { cursor: pointer; color: var(--accent); font-size: 0.9rem; margin-bottom: 0.4rem; }
footer { margin: 3rem 0 2rem; color: var(--soft); font-size: 0.83rem; border-top: 1px solid var(--line); padding-top: 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.3rem 1.2rem; margin: 0.5rem 0; font-size: 0.9rem; }
dt { font-weight: 600; } dd { margin: 0; color: var(--soft); max-width: 80ch; }
@media print { header { background: #fff; color: #000; } .tile { box-shadow: none; } section { break-inside: avoid-page; } }
`;
