/**
 * `<raybox-overlay>`: shows an X-ray with what was found in it. Importing this file defines the element.
 *
 *   const overlay = document.querySelector('raybox-overlay');
 *   overlay.image = bitmap;
 *   overlay.result = await localizer.localize(bitmap, { heatmaps: 'scaled' });
 *
 * Boxes are buttons: Tab reaches them, arrow keys move between them, Enter selects a label, Escape shows all again.
 */
import type { Finding, ShownBoxes } from '../formats/findings.js';
import type { HeatmapScaling } from '../overlay/heatmap.js';
import { takeEarlyProperties } from './early_properties.js';
import { boxButton, outlinesOf, placeChips } from './overlay_boxes.js';
import { adoptStyle, FIGURE } from './overlay_style.js';
import { composePicture, type Drawn, drawHeatOn, drawnOf, drawOn, type Heat, type OverlayImage } from './picture.js';
import { type Choice, describe, heatmapLabelOf, heatmapOf, hiddenOf, type OverlayResult, shownOf } from './shown.js';

export type { OverlayImage } from './picture.js';
export type { OverlayResult } from './shown.js';

/** Detail of the event `raybox-select`. */
export interface SelectDetail {
  /** Null if nothing is selected any more. */
  label: string | null;
  /** The box that was activated. */
  finding?: Finding;
}

/** The properties that a page may set before this file is loaded. */
const SETTABLE = 'image result selected opacity minScore heatThreshold boxes heatmapScaling caption'.split(' ');

// This file is also imported on servers that render pages, where there is no HTMLElement.
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

/** `<raybox-overlay>`: an X-ray with heatmap, boxes and labels. Set `image` and `result`. */
export class RayboxOverlay extends Base {
  static readonly observedAttributes = ['selected', 'opacity', 'min-score', 'heat-threshold', 'boxes'];

  #drawn: Drawn | undefined;
  #image: OverlayImage | null = null;
  #result: OverlayResult | null = null;
  #selected: string | null = null;
  #opacity = 0.6;
  #minScore = 0;
  #heatThreshold: number | null = null;
  #heatmapScaling: HeatmapScaling = 'minmax';
  #caption = '';
  #pending = false;
  #shownBoxes: ShownBoxes = 'best';
  #boxes: { button: HTMLButtonElement; finding: Finding }[] = [];
  #root = this.attachShadow?.({ mode: 'open' });
  #observer: ResizeObserver | undefined;

  /** The X-ray: pixels, a bitmap, canvas or loaded image. It is kept, not copied. */
  get image(): OverlayImage | null {
    return this.#image;
  }
  set image(image: OverlayImage | null) {
    this.#drawn = image ? drawnOf(image) : undefined;
    this.#image = image;
    this.#update();
  }

  get result(): OverlayResult | null {
    return this.#result;
  }
  set result(result: OverlayResult | null) {
    this.#result = result;
    this.#update();
  }

  /** The label whose heatmap and boxes are shown. Null: all boxes, and the heatmap of the most probable finding. */
  get selected(): string | null {
    return this.#selected;
  }
  set selected(label: string | null) {
    this.#selected = label || null;
    this.#update();
  }

  /** Opacity of the heatmap, 0 to 1. Default 0.6. */
  get opacity(): number {
    return this.#opacity;
  }
  set opacity(value: number) {
    this.#opacity = Math.min(1, Math.max(0, Number(value) || 0));
    this.#update();
  }

  /** Findings below this score are not shown. Default 0. */
  get minScore(): number {
    return this.#minScore;
  }
  set minScore(value: number) {
    this.#minScore = Number(value) || 0;
    this.#update();
  }

  /** Shows only boxes of this heat threshold; null for all. */
  get heatThreshold(): number | null {
    return this.#heatThreshold;
  }
  set heatThreshold(value: number | null) {
    this.#heatThreshold = value;
    this.#update();
  }

  /** Which boxes are shown: `best` (default), the best one of each of the three most probable findings and of a selected class, or `all`. */
  get boxes(): ShownBoxes {
    return this.#shownBoxes;
  }
  set boxes(value: ShownBoxes) {
    this.#shownBoxes = value === 'all' ? 'all' : 'best';
    this.#update();
  }

  /** `heatmapScaling` in the metadata of the weights. Default `minmax`. */
  get heatmapScaling(): HeatmapScaling {
    return this.#heatmapScaling;
  }
  set heatmapScaling(value: HeatmapScaling) {
    this.#heatmapScaling = value;
    this.#update();
  }

  /** Text below the picture, also in the result of `toBlob`. After it the element says whose heatmap is shown, and how many findings and boxes are not. */
  get caption(): string {
    return this.#caption;
  }
  set caption(text: string) {
    this.#caption = text;
    this.#update();
  }

  attributeChangedCallback(name: string, _: string | null, value: string | null): void {
    if (name === 'selected') this.selected = value;
    else if (name === 'opacity') this.opacity = value === null ? 0.6 : Number(value);
    else if (name === 'min-score') this.minScore = Number(value);
    else if (name === 'boxes') this.boxes = value as ShownBoxes;
    else this.heatThreshold = value === null || value === '' ? null : Number(value);
  }

  connectedCallback(): void {
    if (!this.#root) return;
    adoptStyle(this.#root); // on each connection, since a tree that is moved to another document loses its style sheets
    if (!this.#root.firstChild) {
      this.#root.innerHTML = FIGURE;
      this.#part('.boxes').addEventListener('keydown', (event) => this.#onKey(event as KeyboardEvent));
    }
    takeEarlyProperties(this, SETTABLE);
    this.#observer = new ResizeObserver(() => this.#paint());
    this.#observer.observe(this.#part('.frame'));
    this.#update();
  }

  disconnectedCallback(): void {
    this.#observer?.disconnect();
  }

  /** The findings that are shown, the most probable first. */
  get shownFindings(): Finding[] {
    return shownOf(this.#result, this.#choice);
  }

  get #choice(): Choice {
    return {
      ...{ minScore: this.#minScore, heatThreshold: this.#heatThreshold },
      ...{ boxes: this.#shownBoxes, selected: this.#selected },
    };
  }

  /** The line below the picture: whose heatmap it shows, and that there is more than it shows. */
  get #line(): string {
    const label = this.#opacity > 0 ? this.heatmapLabel : null;
    const heat = label === null ? '' : `heatmap of ${label}`;
    return [this.#caption, heat, hiddenOf(this.#result, this.#choice)].filter(Boolean).join('; ');
  }

  /** The label whose heatmap is shown: the selected one, or the most probable one of those with a box. Null if there is no heatmap. */
  get heatmapLabel(): string | null {
    return heatmapLabelOf(this.#result, this.#choice) ?? null;
  }

  /** Moves the focus to a finding's box. */
  focusFinding(finding: Finding): void {
    this.#render();
    this.#boxes.find((entry) => entry.finding === finding)?.button.focus();
  }

  /** The picture as it is shown, as an image file. Its longer side is that of the image, but at least 768 pixels. */
  async toBlob(type = 'image/png'): Promise<Blob> {
    if (!this.#drawn) throw new DOMException('the overlay shows no image', 'InvalidStateError');
    return composePicture(this.#drawn, this.#heat, this.#outlines, this.#line).convertToBlob({ type });
  }

  #part<E extends HTMLElement = HTMLElement>(selector: string): E {
    return this.#root!.querySelector<E>(selector)!;
  }

  // Pages set several properties one after the other. The picture is drawn once, after all of them.
  #update(): void {
    if (this.#pending) return;
    this.#pending = true;
    queueMicrotask(() => this.#render());
  }

  #render(): void {
    this.#pending = false;
    if (!this.#root?.firstChild) return;
    const drawn = this.#drawn;
    const frame = this.#part('.frame');
    frame.classList.toggle('shows', drawn !== undefined);
    frame.style.setProperty('--ratio', drawn ? String(drawn.width / drawn.height) : '1');
    this.#part('figcaption').textContent = this.#line;
    const described = describe(drawn, this.#result, this.shownFindings, hiddenOf(this.#result, this.#choice));
    this.#part('.picture').setAttribute('aria-label', described);
    this.#renderBoxes();
    this.#paint();
  }

  get #outlines() {
    return outlinesOf(this.shownFindings, this.#result, this.#selected);
  }

  #renderBoxes(): void {
    const layer = this.#part('.boxes');
    const focused = this.#boxes.find(({ button }) => button === this.#root!.activeElement)?.finding;
    const outlines = this.#drawn ? this.#outlines : [];
    const bySize = [...outlines].sort((a, b) => b.box.width * b.box.height - a.box.width * a.box.height);
    this.#boxes = outlines.map((outline, index) => {
      const { finding } = outline;
      const button = boxButton(outline, finding);
      button.tabIndex = index === 0 ? 0 : -1;
      button.style.zIndex = String(bySize.indexOf(outline)); // small boxes stay within reach
      button.setAttribute('aria-pressed', String(this.#selected === finding.label));
      button.addEventListener('click', () =>
        this.#select(this.#selected === finding.label ? null : finding.label, finding),
      );
      return { button, finding };
    });
    layer.replaceChildren(...this.#boxes.map(({ button }) => button));
    if (focused) this.#focus(this.#boxes.findIndex(({ finding }) => finding === focused));
  }

  #focus(index: number): void {
    for (const [i, { button }] of this.#boxes.entries()) button.tabIndex = i === index ? 0 : -1;
    this.#boxes[index]?.button.focus();
  }

  #onKey(event: KeyboardEvent): void {
    const at = this.#boxes.findIndex(({ button }) => button === this.#root!.activeElement);
    const last = this.#boxes.length - 1;
    const next = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: last }[
      event.key
    ];
    if (event.key === 'Escape' && this.#selected !== null) this.#select(null);
    else if (next !== undefined) this.#focus(Math.min(last, Math.max(0, next)));
    else return;
    event.preventDefault();
  }

  #select(label: string | null, finding?: Finding): void {
    this.selected = label;
    const detail: SelectDetail = { label, ...(finding ? { finding } : {}) };
    this.dispatchEvent(new CustomEvent('raybox-select', { detail, bubbles: true, composed: true }));
  }

  get #heat(): Heat | undefined {
    const heatmap = heatmapOf(this.#result, this.heatmapLabel ?? undefined);
    return heatmap && { heatmap, scaling: this.#heatmapScaling, opacity: this.#opacity };
  }

  /** Draws the canvases, at the resolution of the screen. */
  #paint(): void {
    const { clientWidth, clientHeight } = this.#part('.frame');
    const size = {
      width: Math.round(clientWidth * devicePixelRatio),
      height: Math.round(clientHeight * devicePixelRatio),
    };
    if (!this.#drawn || size.width === 0 || size.height === 0) return;
    drawOn(this.#part<HTMLCanvasElement>('.picture'), size, this.#drawn);
    drawHeatOn(this.#part<HTMLCanvasElement>('.heat'), size, this.#heat);
    placeChips(this.#part('.labels'), this.#outlines, { width: clientWidth, height: clientHeight });
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'raybox-overlay': RayboxOverlay;
  }
}

if (globalThis.customElements && !customElements.get('raybox-overlay')) {
  customElements.define('raybox-overlay', RayboxOverlay);
}
