/** Fields of metadata that a caller gives beside those of a file: which of the two holds, and whose fault a message says it is. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readSafetensors, writeSafetensors } from '../../src/formats/weights/safetensors.js';
import { exportOnnx } from '../../src/index.js';
import { readModel } from '../../src/localizer/weights/model.js';
import type { ModelOptions } from '../../src/localizer/weights/weights_input.js';
import { tinyWeights } from '../support/tiny.js';

const [operating, rules] = [
  { Mass: 0.25, Nodule: 0.75 },
  { Mass: { heatThresholds: [200] }, Nodule: { heatThresholds: [90], minRegion: 2 } },
];
const weights = withRules(tinyWeights(2));

/** The weights with thresholds and rules by class. */
function withRules(bytes: Uint8Array): Uint8Array {
  const { tensors, metadata } = readSafetensors(bytes);
  const more = { classes: '["Mass","Nodule"]', operating_thresholds: JSON.stringify(operating) };
  return writeSafetensors(tensors, { ...metadata, ...more, box_rules: JSON.stringify(rules), heat_thresholds: '[60]' });
}

const metadataWith = async (options: ModelOptions, file = weights) => (await readModel(file, options)).metadata;
const messageOf = (options: ModelOptions, file = weights) =>
  metadataWith(options, file).then(
    () => assert.unreachable('it was not refused') as never,
    (error: Error) => error.message,
  );

test('names that are given belong to the outputs in their order, and thresholds and rules stay with their outputs', async () => {
  const onnx = (await exportOnnx(weights)).bytes;
  for (const file of [weights, onnx])
    for (const classes of [
      ['A', 'B'],
      ['Nodule', 'Mass'],
    ]) {
      const { operatingThresholds, boxRules } = await metadataWith({ classes }, file);
      assert.equal(operatingThresholds, { [classes[0]]: 0.25, [classes[1]]: 0.75 });
      if (file === weights) assert.equal(boxRules, { [classes[0]]: rules.Mass, [classes[1]]: rules.Nodule });
    }
  const given = { A: 0.5 };
  assert.equal((await metadataWith({ classes: ['A', 'B'], operatingThresholds: given })).operatingThresholds, given);
  assert.match(await messageOf({ classes: ['A'] }), /^the option classes is wrong; expected 2 names.*; given 1$/);
});

test('heat thresholds that are given hold for all classes, unless rules are given too', async () => {
  const cut = await metadataWith({ heatThresholds: [100] });
  assert.equal([cut.heatThresholds, cut.boxRules], [[100], { Nodule: { minRegion: 2 } }]);
  const both = await metadataWith({ metadata: { heatThresholds: [100], minRegion: 0 } });
  assert.equal([both.heatThresholds, both.minRegion, both.boxRules], [[100], 0, undefined]);
  const own = { Mass: { heatThresholds: [30] } };
  assert.equal((await metadataWith({ heatThresholds: [100], boxRules: own })).boxRules, own);
  assert.equal((await metadataWith({ heatmapScaling: 'relu' })).boxRules, rules);
});

test('a message says whether an option or the file is wrong', async () => {
  const wrong: [ModelOptions, RegExp][] = [
    [
      { boxRules: { Fracture: {} } },
      /^the option boxRules is wrong; expected names of classes: Mass, Nodule; given Fract/,
    ],
    [{ boxRules: { Mass: { minRegion: -1 } } }, /^the option boxRules of Mass is wrong; expected a minRegion/],
    [{ operatingThresholds: { Mass: 2 } }, /^the option operatingThresholds is wrong/],
    [{ metadata: { license: ' ' } }, /^the option license is wrong/],
    [{ topK: 3 }, /^the option topK is wrong; expected a number if, and only if, pooling is top-k/],
  ];
  for (const [options, message] of wrong) assert.match(await messageOf(options), message);
  const { tensors, metadata } = readSafetensors(weights);
  const broken = writeSafetensors(tensors, { ...metadata, box_rules: '{"Fracture":{}}' });
  for (const key of ['box_rules', 'operating_thresholds']) {
    const twice = writeSafetensors(tensors, { ...metadata, [key]: '{"Mass":{},"Mass":{}}' });
    assert.match(await messageOf({}, twice), new RegExp(`^weights: the metadata's ${key}: 'Mass' is given twice`));
  }
  assert.match(await messageOf({ license: 'MIT' }, broken), /^weights: the metadata's box_rules is wrong/);
});

test.run();
