/** Controls of the demo page that know nothing about its state: the scale of colors, buttons that choose a file, and files that are dropped. */
import { inferno } from '../overlay/colors.js';

/** Draws the colors of heatmaps, from the coldest to the hottest, on a canvas of 256 columns. */
export function drawScale(canvas: HTMLCanvasElement): void {
  const scale = canvas.getContext('2d')!;
  for (let x = 0; x < 256; x++) {
    scale.fillStyle = `rgb(${inferno(x / 255).join(' ')})`;
    scale.fillRect(x, 0, 1, 1);
  }
}

/** Has a button open the file dialog of a hidden input. The same file can be chosen twice. */
export function connectFileButton(button: HTMLElement, input: HTMLInputElement, take: (file: File) => void): void {
  button.addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    input.value = '';
    if (file) take(file);
  });
}

/** Takes the files that are dropped anywhere on the page, which has the class `dropping` while one is held over it. */
export function connectDrop(take: (files: File[]) => void): void {
  // When the pointer enters a child element, it leaves the parent. So the events are counted to know whether it is still over the page.
  let inside = 0;
  const over = (change: number) => {
    inside += change;
    document.body.classList.toggle('dropping', inside > 0);
  };
  addEventListener('dragenter', () => over(1));
  addEventListener('dragleave', () => over(-1));
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    over(-inside);
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length > 0) take(files);
  });
}

/**
 * Fills a group of buttons that choose a heat threshold, or all of them, which is chosen first. With less than two there is nothing to choose,
 * and the group is hidden.
 */
export function renderHeatChoice(
  group: HTMLElement,
  heatThresholds: readonly number[],
  choose: (threshold: number | null) => void,
): void {
  const choices = [null, ...[...heatThresholds].sort((a, b) => a - b)].map((threshold) => {
    const input = document.createElement('input');
    Object.assign(input, { type: 'radio', name: 'heat', value: String(threshold ?? ''), checked: threshold === null });
    input.addEventListener('change', () => choose(threshold));
    const text = document.createElement('span');
    text.textContent = threshold === null ? 'all' : `≥ ${threshold}`;
    const label = document.createElement('label');
    label.append(input, text);
    return label;
  });
  group.replaceChildren(group.querySelector('legend')!, ...choices);
  group.hidden = heatThresholds.length < 2;
}
