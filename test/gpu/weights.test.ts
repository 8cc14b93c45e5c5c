/** The shipped weights: their metadata, and what they say of phantoms that they were not trained on. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { iobb } from '../../src/evaluate/localization.js';
import { CHEST_XRAY14_LABELS } from '../../src/formats/data_sets/image_table.js';
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
    assert.ok(statSync(new URL(name, folder)).size <= 10e6, `${name} is at most 10 MB`);
    const { entries, metadata } = readSafetensorsHeader(readFileSync(new URL(name, folder)));
    assert.ok(entries.every(({ dtype }) => dtype === 'F16'));
    const { imageKind, license, trainingData, operatingThresholds, classes } = parseWeightsMetadata(metadata);
    assert.match(license, /^MIT/);
    assert.match(trainingData, imageKind === 'phantoms' ? /phantoms/ : /NIH Clinical Center/);
    assert.ok(imageKind, `${name} says which kind of images it knows`);
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

/** Of chest8's 8,155 training images, those with each finding. */
const TRAINED_WITH = [654, 164, 573, 1091, 231, 330, 437, 333, 253, 129, 154, 174, 229, 28];

for (const name of ['chest8', 'chest8-small'])
  test(`${name} cuts heatmaps where it was fitted to, and warns if it is handed a phantom`, async () => {
    const localizer = await load(new URL(`${name}.safetensors`, folder));
    assert.equal(localizer.metadata.classes, [...CHEST_XRAY14_LABELS]);
    const { heatThresholds, minRegion, boxRules, imageKind, license, operatingThresholds } = localizer.metadata;
    assert.is(imageKind, 'patients');
    assert.is(license, 'MIT AND BSD-2-Clause');
    // Nine of ten images without a finding are below its threshold, so it is above the share of training images with the finding. Thresholds with
    // the best Youden's index are below it for most classes.
    for (const [place, label] of localizer.classes.entries())
      assert.ok(operatingThresholds![label] > TRAINED_WITH[place] / 8155, label);
    assert.ok(heatThresholds && minRegion, 'fitted, not those of the paper');
    const { image } = drawPhantom({ seed: 77_000, index: 0, size: 128 });
    const { warnings, findings, probabilities } = await localizer.localize(image, { classes: localizer.classes });
    await localizer.close();
    assert.ok(warnings.some(({ code, message }) => code === 'image-other-kind' && /phantom8/.test(message)));
    assert.ok(Object.values(probabilities).every((value) => value > 0 && value < 1));
    const cutAt = (label: string) => boxRules?.[label]?.heatThresholds ?? heatThresholds;
    assert.ok(findings.every(({ label, threshold }) => cutAt(label).includes(threshold!)));
  });

test.run();
