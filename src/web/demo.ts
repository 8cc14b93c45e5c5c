/** The demo page: it localizes findings in an X-ray with chosen weights, all in this tab. */
import './overlay_element.js';
import { InputError } from '../errors.js';
import { bestFindings, type Finding, mostProbableFirst, notShown } from '../formats/findings.js';
import { DEFAULT_HEAT_THRESHOLDS } from '../formats/heat_thresholds.js';
import { operatingThresholdOf } from '../formats/operating_thresholds.js';
import type { ImageKind } from '../formats/weights/metadata.js';
import { describe } from '../gpu/device.js';
import { type Localizer, load } from '../localizer/localizer.js';
import { asLocalization, type Localization } from '../localizer/results.js';
import { untrainedWeights } from '../nets/untrained.js';
import { DISEASES } from '../phantom/options.js';
import { connectDrop, connectFileButton, drawScale, renderHeatChoice } from './demo_controls.js';
import { type ListedWeights, listedWeights, optionOf, refuseLarge, sortFiles } from './demo_files.js';
import { imageOf } from './demo_images.js';
import { clearLists, endOfBars, renderBars, renderFindings, renderWarnings } from './demo_lists.js';
import { download, exportAs } from './demo_save.js';
import { createWork } from './demo_work.js';
import type { SelectDetail } from './overlay_element.js';
import type { Pixels } from './picture.js';

const PHANTOM_SIZE = 512;
const UNTRAINED = 'untrained';
const NOTICE = 'UNTRAINED WEIGHTS: the findings are meaningless';
/** How many classes are shown as found for an untrained network. */
const SHOWN_UNTRAINED = 2;

const $ = <E extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as E;
const overlay = $<HTMLElementTagNameMap['raybox-overlay']>('overlay');
const weightsList = $<HTMLSelectElement>('weights');

let picture: { pixels: Pixels; name: string } | undefined;
let weights: { name: string; source: () => string | File | Uint8Array } = untrained();
/** Whether the user has chosen weights. Until then they follow the image: see `useWeightsFor`. */
let isChosen = false;
let localizer: Localizer | undefined;
/** Findings of all classes. Those that are shown and saved are chosen from them. */
let whole: Localization | undefined;
let selected: string | null = null;
const { work, showStatus, showError, abort } = createWork($, () => localizer !== undefined);

function untrained(): typeof weights {
  return { name: UNTRAINED, source: () => untrainedWeights(9, DISEASES) };
}

// --- image and weights --------------------------------------------------------------------------------------------

async function loadWeights(signal: AbortSignal): Promise<void> {
  await localizer?.close();
  localizer = undefined;
  // If the new weights are refused, nothing is loaded, so that nothing may describe the weights before them.
  $('weights-detail').textContent = '';
  for (const id of ['untrained', 'untrained-rule', 'adapter']) $(id).hidden = true;
  const { name, source } = weights;
  const fresh = await load(source(), {
    signal,
    onProgress: (done) => showStatus(`Loading weights, ${Math.round(done * 100)} %`, done),
  });
  localizer = fresh;
  const { architecture, classes, inputWidth, trainingData, license } = fresh.metadata;
  const network = typeof architecture === 'string' ? architecture : `a small ${architecture.family}`;
  $('untrained').hidden = !isUntrained();
  $('untrained-rule').hidden = !isUntrained();
  $('weights-detail').textContent = isUntrained()
    ? `${network}, ${classes.length} classes, input ${inputWidth}², random numbers`
    : `${name}: ${network}, ${classes.length} classes, input ${inputWidth}²; trained on ${trainingData}; licence ${license}`;
  const { backend } = fresh;
  $('adapter').textContent =
    backend.name === 'webgpu'
      ? `${describe(fresh.gpu.info) || 'GPU'}${fresh.gpu.software ? ' (software)' : ''}`
      : `${backend.name}: ${backend.reason}`;
  $('adapter').hidden = false;
  showHeatChoice();
  fresh.lost.then((error) => localizer === fresh && showError(error, true));
}

/** If all boxes are shown, offers those of a single heat threshold of the weights, unless classes have thresholds of their own. */
function showHeatChoice(): void {
  overlay.heatThreshold = null;
  const { heatThresholds = DEFAULT_HEAT_THRESHOLDS, boxRules } = localizer?.metadata ?? {};
  renderHeatChoice($('heat'), overlay.boxes === 'all' && !boxRules ? heatThresholds : [], (threshold) => {
    overlay.heatThreshold = threshold;
  });
}

const isUntrained = () => localizer?.metadata.trainingData === 'none';

async function localize(signal: AbortSignal): Promise<string> {
  if (!localizer) await loadWeights(signal);
  if (!localizer || !picture) return 'Choose an image.';
  showStatus('Localizing…');
  const { classes, fit, heatmapScaling, imageKind } = localizer.metadata;
  const started = performance.now();
  const heatmaps = fit === 'stretch' ? 'raw' : 'scaled';
  const lungMask = imageKind === 'patients' ? 'auto' : 'off';
  whole = await localizer.localize(picture.pixels, { classes, heatmaps, lungMask, signal });
  overlay.heatmapScaling = heatmaps === 'raw' ? heatmapScaling : 'minmax';
  if (selected !== null && !classes.includes(selected)) selected = null;
  showResult();
  const how = whole.method === 'cam' ? '' : `, heatmaps from gradients (${whole.method})`;
  return `Localized in ${((performance.now() - started) / 1000).toFixed(2)} s${how}.`;
}

/** Takes the weights that know a kind of images, or else the first ones, if the server has any and the user has not chosen others. */
async function useWeightsFor(kind: ImageKind, signal: AbortSignal): Promise<void> {
  const name = (listed.find(({ imageKind }) => imageKind === kind) ?? listed[0])?.name;
  if (isChosen || name === undefined || name === weights.name) return;
  weights = files.get(name)!;
  weightsList.value = name;
  await loadWeights(signal);
}

function showPicture(pixels: Pixels, name: string): void {
  picture = { pixels, name };
  whole = undefined;
  selected = null;
  overlay.image = pixels;
  clearLists();
  $('image-name').textContent = `${name}, ${pixels.width} × ${pixels.height} pixels`;
  showResult();
}

function takePhantom(seed: number): Promise<void> {
  return work('Drawing a phantom…', async (signal) => {
    const { image, drawn } = await imageOf({ phantom: { seed, index: 0, size: PHANTOM_SIZE } }, signal);
    showPicture(image, `phantom ${seed}`);
    $('image-name').textContent += `; drawn into it: ${drawn.join(', ') || 'nothing: a healthy chest'}`;
    await useWeightsFor('phantoms', signal);
    return localize(signal);
  });
}

function takeImage(file: File): Promise<void> {
  return work(`Reading ${file.name}…`, async (signal) => {
    refuseLarge(file);
    const { image } = await imageOf({ file }, signal).catch((error: Error) => {
      signal.throwIfAborted();
      throw new InputError(`${file.name}: ${error.message}`, { cause: error });
    });
    showPicture(image, file.name);
    await useWeightsFor('patients', signal);
    return localize(signal);
  });
}

function takeWeights(chosen: typeof weights): Promise<void> {
  weights = chosen;
  whole = undefined;
  showResult();
  return work('Loading weights…', async (signal) => {
    await loadWeights(signal);
    return localize(signal);
  });
}

/** Takes weights first and then an image, and says which other files were dropped with them. */
async function takeFiles(dropped: readonly File[]): Promise<void> {
  const { weights: ofNetworks, images, others } = await sortFiles(dropped);
  if (ofNetworks.length > 0) await takeWeightsFile(ofNetworks[0]);
  if (images.length > 0) await takeImage(images[0]);
  if (others)
    $('image-name').textContent += `. Not read: ${others} (the page takes one image and one file of weights at a time)`;
}

function takeWeightsFile(file: File): Promise<void> {
  const option = new Option(file.name, 'file', true, true);
  weightsList.querySelector('option[value=file]')?.remove();
  weightsList.append(option);
  files.set('file', { name: file.name, source: () => file });
  isChosen = true;
  return takeWeights(files.get('file')!);
}

// --- results ------------------------------------------------------------------------------------------------------

const ownThreshold = (label: string) => operatingThresholdOf(label, localizer?.metadata.operatingThresholds);

/** Labels that count as found: those that reach their threshold. For an untrained network, the most probable ones. */
function foundLabels({ probabilities }: Localization): Set<string> {
  const labels = Object.keys(probabilities);
  if (!isUntrained()) return new Set(labels.filter((label) => probabilities[label] >= ownThreshold(label)));
  return new Set(labels.sort((a, b) => probabilities[b] - probabilities[a]).slice(0, SHOWN_UNTRAINED));
}

/** The boxes of the labels that count as found. */
function foundBoxes(result: Localization): readonly Finding[] {
  const found = foundLabels(result);
  return result.findings.filter(({ label }) => found.has(label));
}

/** The result with the boxes of all labels that count as found, which is what is saved, however many of them are shown. */
const savedOf = (result: Localization): Localization =>
  asLocalization({ ...result, findings: foundBoxes(result) }, localizer!.classes);

function showResult(): void {
  const saves = document.querySelectorAll<HTMLButtonElement>('[data-save]');
  for (const button of saves) button.disabled = !whole;
  document.body.classList.toggle('stale', !whole);
  overlay.selected = selected;
  renderWarnings($('warnings'), whole?.warnings ?? []);
  if (!whole || !localizer) {
    overlay.caption = '';
    overlay.result = null;
    return;
  }
  const boxes = foundBoxes(whole);
  const findings = overlay.boxes === 'all' ? mostProbableFirst(boxes) : bestFindings(boxes, whole);
  const found = foundLabels(whole);
  // A selected class is shown even if it is below its threshold, but it is not counted.
  const shown = whole.findings.filter(({ label }) => found.has(label) || label === selected);
  const isBelow = selected !== null && whole.probabilities[selected] < ownThreshold(selected);
  overlay.caption = isUntrained() ? NOTICE : isBelow ? `${selected} is below its threshold: no finding` : '';
  overlay.result = { ...whole, findings: shown };
  const bars = Object.entries(whole.probabilities).map(([label, probability]) => {
    return { label, probability, threshold: ownThreshold(label), found: found.has(label) };
  });
  $('bars-end').textContent = `Bars end at ${endOfBars(bars)}.`;
  renderBars($('bars'), bars, selected, select);
  renderFindings(document.querySelector('#findings tbody')!, findings, localizer.classes, selected, openFinding);
  const cut = whole.truncated.length > 0 ? `; the first boxes only of ${whole.truncated.join(', ')}` : '';
  const rest = notShown(boxes, findings);
  const classes = found.size === 1 ? '1 class' : `${found.size} classes`;
  const all = boxes.length === 1 ? '1 box' : `${boxes.length} boxes`;
  $('count').textContent = boxes.length > 0 ? `${rest ? `${findings.length} of ` : ''}${all} in ${classes}${cut}` : '';
  $('rest').textContent =
    rest && `${rest}: choose “all boxes” below the picture. Files that are saved have all of them.`;
  $('rest').hidden = rest === '';
  $('findings').hidden = findings.length === 0;
  $('no-findings').hidden = findings.length > 0;
  $('no-findings').textContent = 'No class reaches its threshold.';
}

function select(label: string | null): void {
  selected = label;
  showResult();
}

function openFinding(finding: Finding): void {
  select(finding.label);
  overlay.focusFinding(finding);
}

// --- controls -----------------------------------------------------------------------------------------------------

/** The weights files that the server has, and the kinds of images that they know. */
let listed: readonly ListedWeights[] = [];
const files = new Map<string, typeof weights>([[UNTRAINED, untrained()]]);

/** Lists the weights that the server has beside the page. */
async function listWeights(): Promise<void> {
  listed = await listedWeights();
  for (const { name } of listed) {
    files.set(name, { name, source: () => new URL(`weights/${encodeURIComponent(name)}`, document.baseURI).href });
  }
  weightsList.replaceChildren(...listed.map(optionOf), new Option('Untrained (meaningless)', UNTRAINED));
  weightsList.value = UNTRAINED;
}

function connect(): void {
  drawScale($<HTMLCanvasElement>('scale'));
  connectFileButton($('choose-image'), $<HTMLInputElement>('image-file'), takeImage);
  connectFileButton($('choose-weights'), $<HTMLInputElement>('weights-file'), takeWeightsFile);
  connectDrop(takeFiles);
  weightsList.addEventListener('change', () => {
    isChosen = true;
    takeWeights(files.get(weightsList.value)!);
  });
  $('phantom').addEventListener('submit', (event) => {
    event.preventDefault();
    takePhantom($<HTMLInputElement>('seed').valueAsNumber);
  });
  $<HTMLInputElement>('opacity').addEventListener('input', (event) => {
    overlay.opacity = (event.target as HTMLInputElement).valueAsNumber / 100;
  });
  $('all-boxes').addEventListener('change', (event) => {
    overlay.boxes = (event.target as HTMLInputElement).checked ? 'all' : 'best';
    showHeatChoice();
    showResult();
  });
  overlay.addEventListener('raybox-select', (event) => select((event as CustomEvent<SelectDetail>).detail.label));
  $('abort').addEventListener('click', abort);
  $('restart').addEventListener('click', () => takeWeights(weights));
  $('error-close').addEventListener('click', () => {
    $('error').hidden = true;
  });
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-save]')) {
    button.addEventListener('click', async () => {
      if (!whole || !picture || !localizer) return;
      const { metadata } = localizer;
      const saved = { name: picture.name, result: savedOf(whole), metadata, weights: weights.name, overlay };
      download(await exportAs(button.dataset.save!, saved));
    });
  }
}

connect();
await listWeights();
await takePhantom($<HTMLInputElement>('seed').valueAsNumber);
