// Localizes what a canvas shows and puts the findings into the page.
import { load } from '../../src/index.js'; // 'raybox' in a project of yours
import '../../src/web/overlay_element.js'; // 'raybox/overlay'

const canvas = document.querySelector('canvas')!;
const overlay = document.querySelector('raybox-overlay')!;

const localizer = await load('/fixtures/torch-reference/resnet-basic/model.safetensors');
overlay.image = canvas;
overlay.result = await localizer.localize(canvas, { heatmaps: 'scaled' });
for (const { label, score, box } of overlay.result.findings) {
  document.querySelector('ul')!.append(`${label} ${score.toFixed(2)} at ${box.x}, ${box.y}\n`);
}
await localizer.close();
