/** The shipped weights: their metadata, and their results on phantoms that they were not trained on. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { iobb } from '../../src/evaluate/localization.js';
import { readSafetensorsHeader } from '../../src/formats/weights/safetensors.js';
import { parseWeightsMetadata } from '../../src/formats/weights/weights.js';
import { load } from '../../src/localizer/localizer.js';
import { DISEASES, drawPhantom } from '../../src/phantom/index.js';

const test = suite('weights');
const folder = new URL('../../../weights/', import.meta.url);
const file = new URL('phantom8.safetensors', folder);

test('each shipped file is small, in half precision, and has a model card', () => {
  const names = readdirSync(folder);
  const weights = names.filter((name) => name.endsWith('.safetensors'));
  assert.ok(weights.length > 0);
  for (const name of weights) {
    assert.ok(names.includes(name.replace('.safetensors', '.md')), `a card for ${name}`);
    assert.ok(statSync(new URL(name, folder)).size <= 4 << 20, `${name} is at most 4 MiB`);
    const { entries, metadata } = readSafetensorsHeader(readFileSync(new URL(name, folder)));
    assert.ok(entries.every(({ dtype }) => dtype === 'F16'));
    const { license, trainingData, operatingThresholds, classes } = parseWeightsMetadata(metadata);
    assert.is(license, 'MIT');
    assert.match(trainingData, /phantoms/);
    assert.equal(Object.keys(operatingThresholds ?? {}), classes, 'an operating threshold for every class');
  }
});

test('phantom8 finds the disease of a new phantom, with a box where it was drawn', async () => {
  const localizer = await load(file);
  assert.equal(localizer.metadata.classes, [...DISEASES]);
  let [found, hit, alarms] = [0, 0, 0];
  for (const [index, disease] of DISEASES.entries()) {
    const phantom = drawPhantom({ seed: 77_000, index, size: 256, diseases: [disease] });
    const { probabilities, findings } = await localizer.localize(phantom.image);
    if (findings.some(({ label }) => label === disease)) found++;
    alarms +=
      new Set(findings.map(({ label }) => label)).size - (findings.some(({ label }) => label === disease) ? 1 : 0);
    const boxes = findings.filter(({ label }) => label === disease).map(({ box }) => box);
    // Intersection over the detected box, as the paper scores it.
    const inside = boxes.map((box) => Math.max(...phantom.boxes.map((truth) => iobb(box, truth))));
    if (inside.some((share) => share > 0.25)) hit++;
    assert.ok(Object.values(probabilities).every(Number.isFinite));
  }
  const healthy = drawPhantom({ seed: 77_000, index: 99, size: 256, diseases: [] });
  alarms += new Set((await localizer.localize(healthy.image)).findings.map(({ label }) => label)).size;
  await localizer.close();
  assert.ok(found >= 8, `found ${found} of ${DISEASES.length}`);
  // Its model card says where it fails.
  assert.ok(hit >= 7, `localized ${hit} of ${DISEASES.length}`);
  assert.ok(alarms <= 1, `${alarms} false alarms in ${DISEASES.length + 1} phantoms`);
});

test.run();
