/** Models that Keras saved: their numbers are those that Keras computes (test/fixtures/keras/make.py), or they are refused with what to do. */
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { partsOf } from '../../src/formats/parts.js';
import { openZip } from '../../src/formats/zip.js';
import { readKerasFile } from '../../src/import/tensorflow/keras_file.js';
import { readModel } from '../../src/localizer/weights/model.js';
import { evaluated } from '../support/float64.js';
import { zip } from '../support/zip.js';

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../test/fixtures/keras/${name}`, import.meta.url)));
const reference = JSON.parse(new TextDecoder().decode(fixture('reference.json'))) as {
  input: number[];
  outputs: Record<string, number[]>;
};
const close = (actual: readonly number[], expected: readonly number[], bound: number) => {
  assert.is(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]) <= bound, `${actual} instead of ${expected}`);
  });
};
const refused = async (bytes: Uint8Array, message: RegExp) => {
  const error = await readModel(bytes, {}).catch((error: unknown) => error);
  assert.instance(error, InputError);
  assert.match((error as Error).message, message);
};

/** The entries of an archive, each as it is or changed. */
const rewritten = (name: string, change: Record<string, (bytes: Uint8Array) => Uint8Array | undefined>) => {
  const entries = [...openZip(partsOf(fixture(name))).values()].flatMap(({ name, read }): [string, Uint8Array][] => {
    const bytes = name in change ? change[name](read()) : read();
    return bytes ? [[name, bytes]] : [];
  });
  return zip(Object.fromEntries(entries));
};
const inText = (from: RegExp, to: string) => (bytes: Uint8Array) =>
  new Uint8Array(Buffer.from(Buffer.from(bytes).toString('latin1').replace(from, to), 'latin1'));
interface Config {
  config: { layers: { class_name: string; config: Record<string, unknown> }[] };
}
const inJson = (change: (json: Config) => void) => (bytes: Uint8Array) => {
  const json = JSON.parse(new TextDecoder().decode(bytes)) as Config;
  change(json);
  return new TextEncoder().encode(JSON.stringify(json));
};

const FILES: [string, () => Uint8Array, string, number][] = [
  ['h5 with models in a model', () => fixture('functional.h5'), 'functional', 1e-6],
  ['.keras with models in a model', () => fixture('functional.keras'), 'functional', 1e-6],
  ['.keras of layers one behind the other', () => fixture('sequential.keras'), 'sequential', 1e-6],
  ['h5 in the newer form of HDF5', () => fixture('newer.h5'), 'sequential', 1e-6],
  [
    // Keras 3.0 did not write the names of layers: they are found by their classes.
    '.keras without names of layers',
    () => rewritten('functional.keras', { 'model.weights.h5': inText(/name\0/g, 'nome\0') }),
    'functional',
    1e-6,
  ],
];
for (const [what, bytes, name, bound] of FILES)
  test(`${what} gives what Keras computes`, async () => {
    const model = await readModel(bytes(), {});
    const isScaled = name === 'functional';
    const pixels = isScaled ? reference.input : reference.input.map((value) => value / 255);
    close(evaluated(model, pixels).probabilities, reference.outputs[name], bound);
    // The layer Rescaling says that the network takes pixels from 0 to 255.
    if (isScaled) assert.equal([model.metadata.mean, model.metadata.std], [[0], [1 / 255]]);
  });

test('bfloat16, for which HDF5 has no type, is read as Keras marks it', async () => {
  const model = await readModel(fixture('bfloat16.keras'), {});
  const { logits } = evaluated(
    model,
    reference.input.map((value) => value / 255),
  );
  assert.ok(logits.every(Number.isFinite));
  // A bfloat16 is a float32 without its last 16 bits.
  const [kernel] = readKerasFile(fixture('bfloat16.keras')).weights.values();
  const bits = new Uint32Array(Float32Array.from(kernel.values()).buffer);
  assert.ok(bits.length > 20 && bits.every((one) => one !== 0 && (one & 0xffff) === 0));
  await refused(
    rewritten('bfloat16.keras', { 'model.weights.h5': inText(/dtype\0/g, 'dtipe\0') }),
    /does not read its type; expected little-endian float32/,
  );
});

test('weights for a network of the user are read by the names of layers', async () => {
  const { weights } = readKerasFile(fixture('functional.keras'));
  assert.equal(weights.get('left/depthwise/kernel')!.shape, [3, 3, 3, 1]);
  assert.equal([...weights.keys()].sort(), [...readKerasFile(fixture('functional.h5')).weights.keys()].sort());
});

test('what cannot be read is refused, and says what to do', async () => {
  const archive = (change: Parameters<typeof rewritten>[1]) => rewritten('sequential.keras', change);
  await refused(fixture('sequential.weights.h5'), /weights without their network.*model\.save\('model\.keras'\)/);
  await refused(fixture('compressed.h5'), /compressed, or lie in several pieces.*h5repack -f NONE/);
  await refused(archive({ 'config.json': () => undefined }), /no config\.json.*given metadata\.json/);
  await refused(archive({ 'model.weights.h5': () => undefined }), /no model\.weights\.h5/);
  await refused(archive({ 'model.weights.h5': (bytes) => bytes.subarray(0, 20_000) }), /the file is cut off/);
  await refused(
    archive({
      'config.json': inJson((json) => {
        json.config.layers[1].config.use_bias = false;
      }),
    }),
    /Conv2D 'conv2d.*': its weights are not those of such a layer; expected kernel; given 2/,
  );
  await refused(
    archive({
      'config.json': inJson((json) => {
        json.config.layers[1].class_name = 'Conv3D';
      }),
    }),
    /Conv3D 'conv2d.*': raybox does not have this layer/,
  );
  await refused(
    archive({ 'config.json': () => new TextEncoder().encode('{"class_name": "Mine", "config": {}}') }),
    /of the kind 'Mine'/,
  );
  const text = inText(/model_config/g, 'model_confog')(fixture('functional.h5'));
  await refused(text, /not a model that Keras saved.*given model_weights/);
});

const REAL = `${process.env.RAYBOX_DATA ?? new URL('../../../../shared/data', import.meta.url).pathname}/weights/keras/teachable_machine_v1.h5`;
(existsSync(REAL) ? test : test.skip)(
  'a MobileNetV2 that Keras 2.2 saved: all of its weights, and its network',
  async () => {
    const bytes = new Uint8Array(readFileSync(REAL));
    const { weights } = readKerasFile(bytes);
    const sum = [...weights.values()].reduce(
      (sum, one) => sum + Array.from(one.values()).reduce((a, b) => a + Math.abs(b), 0),
      0,
    );
    assert.is(weights.size, 263);
    assert.ok(Math.abs(sum - 121485.52060184014) < 1e-3, `${sum}`);
    const { metadata, checkpoint } = await readModel(bytes, {});
    assert.equal([metadata.inputHeight, metadata.inputChannels, metadata.classes.length], [224, 3, 2]);
    assert.ok(checkpoint.network!.undecided.length === 0);
  },
);

test.run();
