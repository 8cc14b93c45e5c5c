/** The same image, given in all possible forms, gives the same results. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodePng } from '../../src/formats/images/png.js';
import type { WeightsMetadata } from '../../src/formats/weights/weights.js';
import { openGpu } from '../../src/gpu/device.js';
import { type ImageInput, InputError, type LocalizeOptions, load } from '../../src/index.js';
import { seededRandom } from '../../src/random.js';
import { readFixture } from '../support/fixture.js';

const SIZE = 64;
const SMALL: Partial<WeightsMetadata> = { inputWidth: SIZE, inputHeight: SIZE, lseR: 5 };
const weights = await readFixture('torch-reference/resnet-basic/model.safetensors');
const gpu = await openGpu();
const { device } = gpu;
const localizer = await load(weights, { device, metadata: SMALL });

const outcome = async (image: ImageInput, options: LocalizeOptions = {}) => {
  const { logits, findings, warnings } = await localizer.localize(image, options);
  return { logits, findings, codes: warnings.slice(localizer.warnings.length).map(({ code }) => code) };
};
const answer = async (image: ImageInput, options: LocalizeOptions = {}) => {
  const { logits, findings } = await outcome(image, options);
  return { logits, findings };
};

const width = 52;
const height = 40;
const random = seededRandom(3);
/** A smooth picture, 0 to 1. */
const levels = Array.from({ length: width * height }, (_, i) => {
  const [x, y] = [i % width, Math.floor(i / width)];
  return 0.5 + 0.3 * Math.sin(x / 7) * Math.cos(y / 5) + 0.2 * (random() - 0.5);
});

function onGpu(data: Uint8Array | Uint16Array): GPUBuffer {
  const buffer = device.createBuffer({ size: Math.ceil(data.byteLength / 4) * 4, usage: 0x4 | 0x8 });
  device.queue.writeBuffer(buffer, 0, data as Uint8Array<ArrayBuffer>);
  return buffer;
}

for (const bits of [8, 16] as const)
  test(`transparency of ${bits} bits: PNG, data, buffer and texture agree`, async () => {
    const white = 2 ** bits - 1;
    const samples = (length: number, at: (i: number) => number) => {
      const values = Array.from({ length }, (_, i) => at(i));
      return bits === 8 ? Uint8Array.from(values) : Uint16Array.from(values);
    };
    const rgba = samples(width * height * 4, (i) => {
      const level = levels[i >> 2];
      if (i % 4 === 3) return Math.round(white * Math.min(1, Math.max(0, (random() - 0.2) * 1.6)));
      return Math.round(white * level * (1 - 0.1 * (i % 4)));
    });
    const over = samples(width * height * 3, (i) => {
      const at = Math.floor(i / 3) * 4;
      return Math.round((rgba[at + (i % 3)] * rgba[at + 3]) / white);
    });
    const options = { bits: 16 };
    const truth = await answer({ data: over, width, height }, options);
    assert.equal(await answer({ data: rgba, width, height }, options), truth, 'data');
    const png = await encodePng({ data: rgba, width, height, channels: 4 });
    assert.equal(await answer(png, options), truth, 'PNG');
    const buffer = onGpu(rgba);
    assert.equal(await answer({ buffer, width, height, channels: 4, bits }), truth, 'GPU buffer');
    buffer.destroy();
    if (bits === 16) return;
    const texture = device.createTexture({ size: [width, height], format: 'rgba8unorm', usage: 0x1 | 0x2 });
    device.queue.writeTexture({ texture }, rgba as Uint8Array<ArrayBuffer>, { bytesPerRow: width * 4 }, [
      width,
      height,
    ]);
    assert.equal(await answer(texture), truth, 'texture');
    texture.destroy();
  });

test('12 bits in 16-bit samples: PNG, data and buffer give the same results, with a warning', async () => {
  const eight = await answer({ data: Uint8Array.from(levels, (level) => Math.round(level * 255)), width, height });
  const data = Uint16Array.from(levels, (level) => Math.round(level * 4095));
  data[0] = 4095;
  const found = await outcome({ data, width, height });
  assert.ok(found.codes.includes('assumed-bits'));
  const labels = Object.keys(eight.logits);
  const spread = Math.max(...labels.map((label) => Math.abs(found.logits[label] - eight.logits[label])));
  assert.ok(spread < 0.02, `differs by ${spread} from the same picture in 8 bits`);

  const truth = { logits: found.logits, findings: found.findings };
  const given = await outcome({ data, width, height }, { bits: 12 });
  assert.ok(!given.codes.includes('assumed-bits'));
  assert.equal({ logits: given.logits, findings: given.findings }, truth, 'option');
  assert.equal(await answer({ data, width, height, bits: 12 }, { bits: 16 }), truth, 'the image’s own word goes first');
  const png = await encodePng({ data, width, height, channels: 1 });
  assert.ok((await outcome(png)).codes.includes('assumed-bits'));
  assert.equal(await answer(png), truth, 'PNG');
  const buffer = onGpu(data);
  assert.equal(await answer({ buffer, width, height, channels: 1, bits: 12 }), truth, 'GPU buffer');
  assert.equal(
    await answer({ buffer, width, height, channels: 1, bits: 16 }, { bits: 12 }),
    truth,
    'GPU buffer, option',
  );
  const dark = await answer({ data, width, height }, { bits: 16 });
  assert.not.equal(dark, truth);
  assert.equal(await answer({ buffer, width, height, channels: 1, bits: 16 }), dark);
  buffer.destroy();
});

test('the decoded size of images is limited, and the option bits is checked', async () => {
  const png = await encodePng({ data: new Uint8Array(3000).fill(90), width: 60, height: 50, channels: 1 });
  const refused = async (image: ImageInput, options: LocalizeOptions) => {
    const error = await localizer.localize(image, options).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    assert.instance(error, InputError);
    return String(error);
  };
  assert.match(await refused(png, { maxImageBytes: 2999 }), /at most 2999 bytes.*60 × 50.*raise maxImageBytes/);
  await localizer.localize(png, { maxImageBytes: 3000 });
  assert.match(await refused(png, { maxImageBytes: 0 }), /maxImageBytes/);
  assert.match(await refused(png, { bits: 7 }), /bits; expected a whole number from 8 to 16/);
  const wide = { data: Uint16Array.of(0, 5000, 1, 2), width: 2, height: 2 };
  assert.match(await refused(wide, { bits: 12 }), /4095 at most; given 5000/);
});

test.after(async () => {
  await localizer.close();
  gpu.close();
});
test.run();
