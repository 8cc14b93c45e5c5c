/** Weights that know phantoms warn of X-rays of patients, and the other way round. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodePng } from '../../src/formats/images/png.js';
import { examineImage } from '../../src/localizer/images/examine.js';
import { otherKind } from '../../src/localizer/images/image_kind.js';
import { drawPhantom } from '../../src/phantom/index.js';
import { seededRandom } from '../../src/random.js';
import { readData } from '../support/torch.js';

test('phantoms of several sizes, clear and hard, are recognised as phantoms', () => {
  for (const preset of ['demo', 'hard'] as const) {
    for (const [index, size] of [64, 96, 128, 256, 256, 512].entries()) {
      const { image } = drawPhantom({ seed: 40, index, size, preset });
      const checked = examineImage(image);
      assert.is(otherKind(checked, 'phantoms'), undefined, `${preset} ${size}`);
      const warning = otherKind(checked, 'patients');
      assert.is(warning?.code, 'image-other-kind');
      assert.match(warning!.message, /looks like a phantom that raybox draws/);
    }
  }
});

test('pictures that are no X-rays at all, which have other warnings, are not judged', () => {
  const random = seededRandom(2);
  const noise = { data: Uint8Array.from({ length: 4096 }, () => 256 * random()), width: 64, height: 64 };
  const flat = { ...noise, data: new Uint8Array(4096).fill(90) };
  const tiny = { data: new Uint8Array(64), width: 8, height: 8 };
  for (const picture of [noise, flat, tiny]) {
    const image = examineImage(picture);
    assert.ok((image.warnings ?? []).length > 0);
    for (const kind of ['phantoms', 'patients'] as const) assert.is(otherKind(image, kind), undefined);
  }
});

const NAMES = ['00000053_001.png', '00000100_000.png', '00000147_001.png'];
const real = (await Promise.all(NAMES.map((name) => readData(`nih-boxed/images/${name}`)))).filter(
  (one: Uint8Array | undefined) => one !== undefined,
);
(real.length > 0 ? test : test.skip)('X-rays of patients are recognised as such', async () => {
  for (const bytes of real) {
    const image = examineImage(await decodePng(bytes!));
    assert.is(otherKind(image, 'phantoms')?.code, 'image-other-kind');
    assert.is(otherKind(image, 'patients'), undefined);
  }
});

test.run();
