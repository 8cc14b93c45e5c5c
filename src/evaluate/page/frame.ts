/** The frame of every page of results: one HTML file without scripts that loads no fonts or pictures. */
import { STYLE } from './style.js';
import { Html, html } from './text.js';

/** @param subtitle one line under the title */
export function pageOf(title: string, subtitle: string, main: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<header><div class="inner"><h1>${title}</h1><p>${subtitle}</p></div></header>
<main>
${main}
</main>
</body>
</html>
`.text;
}
