/** The style of `<raybox-overlay>`. A page may set `--raybox-max-height` and style the parts. */
const STYLE = `
:host { display: block; color-scheme: light dark; font: 600 13px/1.5 system-ui, sans-serif; }
:host([hidden]) { display: none; }
figure { margin: 0; }
.frame {
  position: relative; box-sizing: border-box; margin-inline: auto; overflow: hidden; border-radius: 6px;
  width: min(100%, calc(var(--raybox-max-height, 1000vh) * var(--ratio, 1)));
  aspect-ratio: var(--ratio, 1); background: light-dark(#e4e7ec, #14171c);
}
.frame.shows { background: #000; }
canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: none; }
.shows canvas { display: block; }
.empty { position: absolute; inset: 0; display: grid; place-items: center; padding: 1em; text-align: center;
  font-weight: 400; color: light-dark(#566070, #9aa4b2); }
.shows .empty, .labels [hidden] { display: none; }
.boxes, .labels { position: absolute; inset: 0; }
.boxes { isolation: isolate; } /* labels stay above all boxes */
.labels { pointer-events: none; }
.box {
  position: absolute; box-sizing: border-box; margin: 0; padding: 0; background: none; cursor: pointer;
  border: 2px solid var(--color); border-radius: 1px; outline: 0;
  box-shadow: 0 0 0 1px rgb(0 0 0 / .75), inset 0 0 0 1px rgb(0 0 0 / .75);
}
.box.dashed { border-style: dashed; }
.box.dotted { border-style: dotted; }
.box.dashed, .box.dotted { box-shadow: none; filter: drop-shadow(0 0 1px #000) drop-shadow(0 0 1px #000); }
.box::after { content: ''; position: absolute; inset: -6px; } /* small boxes can be hit too */
.box:hover { background: rgb(255 255 255 / .08); }
.box:focus-visible { outline: 3px solid #fff; outline-offset: 2px; box-shadow: 0 0 0 6px #0b57d0; }
.labels span {
  position: absolute; box-sizing: border-box; padding: 0 .45em; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; color: #000; background: var(--color); border: 1px solid #000; border-radius: 3px;
  font-variant-numeric: tabular-nums;
}
figcaption { margin-top: .4em; font-weight: 400; text-align: center; color: light-dark(#566070, #9aa4b2); }
figcaption:empty { display: none; }
@media (forced-colors: active) { .box { forced-color-adjust: none; } }
`;

/** The style sheet of each document, which all its overlays share. */
const sheets = new WeakMap<Document, CSSStyleSheet>();

/**
 * Styles a shadow tree by a constructed style sheet. A `<style>` element would need `style-src 'unsafe-inline'` in a page with a content
 * security policy.
 */
export function adoptStyle(root: ShadowRoot): void {
  const document = root.ownerDocument;
  let sheet = sheets.get(document);
  if (!sheet) {
    // A constructed style sheet can only be used in the document of the window in which it was made.
    sheet = new (document.defaultView ?? globalThis).CSSStyleSheet();
    sheet.replaceSync(STYLE);
    sheets.set(document, sheet);
  }
  root.adoptedStyleSheets = [sheet];
}

/** What is inside the element. */
export const FIGURE = `<figure part="figure">
  <div class="frame" part="frame">
    <canvas class="picture" part="image" role="img"></canvas>
    <canvas class="heat" part="heatmap" aria-hidden="true"></canvas>
    <div class="boxes" role="group" aria-label="Findings"></div>
    <div class="labels" aria-hidden="true"></div>
    <div class="empty"><slot>No image</slot></div>
  </div>
  <figcaption part="caption"></figcaption>
</figure>`;
