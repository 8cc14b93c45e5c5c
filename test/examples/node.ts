// Localizes an image file and prints the findings: node node.js IMAGE WEIGHTS
import { load } from '../../src/index.js'; // 'raybox' in a project of yours

const [image, weights] = process.argv.slice(2);
const localizer = await load(weights);
const { findings, probabilities } = await localizer.localize(image);
console.log(probabilities);
for (const { label, score, box } of findings) {
  console.log(`${label} ${score.toFixed(2)} at ${box.x}, ${box.y}: ${box.width} × ${box.height} pixels`);
}
await localizer.close();
