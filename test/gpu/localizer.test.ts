/** Proves that the Localizer gives the results of the float64 reference for every form of image, and refuses wrong input. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceLostError, InputError } from '../../src/errors.js';
import { CHEST_XRAY8_LABELS } from '../../src/formats/data_sets/image_table.js';
import { encodePng } from '../../src/formats/images/png.js';
import { readCheckpoint } from '../../src/formats/weights/read_checkpoint.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/weights/safetensors.js';
import type { WeightsMetadata } from '../../src/formats/weights/weights.js';
import { readBuffer } from '../../src/gpu/buffers.js';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import {
  type Finding,
  type Localization,
  type LocalizeOptions,
  Localizer,
  load,
  toCOCO,
  toCSV,
} from '../../src/index.js';
import { describeBatch } from '../../src/localizer/describe.js';
import { requestOf } from '../../src/localizer/request.js';
import { createCache } from '../../src/localizer/session/cache.js';
import { createSession } from '../../src/localizer/session/webgpu_session.js';
import { readModel } from '../../src/localizer/weights/model.js';
import { architectureOf, type Head } from '../../src/nets/architecture.js';
import type { Backbone } from '../../src/nets/backbone.js';
import { buildNetwork } from '../../src/nets/index.js';
import { preprocess } from '../../src/ops/images/preprocess.js';
import { drawPhantom } from '../../src/phantom/index.js';
import { seededRandom } from '../../src/random.js';
import { evaluateReference } from '../../src/verify/reference.js';
import { readFixture } from '../support/fixture.js';
import { unlessPart } from '../support/part.js';
import { tinyWeights } from '../support/tiny.js';
import { generated } from '../support/torch.js';

const weights = await readFixture('torch-reference/resnet-basic/model.safetensors');
const SMALL: Partial<WeightsMetadata> = {
  inputWidth: 64,
  inputHeight: 64,
  lseR: 5,
  classes: [...CHEST_XRAY8_LABELS],
};
const gpu = await openGpu();
const detail = unlessPart(test);
const { device } = gpu;
const localizer = await load(weights, { device, metadata: SMALL });
const { classes } = localizer;

type LocalizerArchitecture = ReturnType<typeof architectureOf> & { head: object };

/** A smooth random picture: a few blobs on grey, 8 or 16 bit. */
function picture(width: number, height: number, channels: 1 | 3 | 4, seed = 1, bits: 8 | 16 = 8) {
  const random = seededRandom(seed);
  const blobs = Array.from({ length: 4 }, () => [
    random() * width,
    random() * height,
    random() * 150,
    0.05 + random() / 4,
  ]);
  const data = new (bits === 8 ? Uint8Array : Uint16Array)(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / channels);
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    let value = 60;
    for (const [cx, cy, strength, spread] of blobs) {
      value += strength * Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (spread * width) ** 2);
    }
    data[i] = Math.min(255, value) * (bits === 8 ? 1 : 257);
  }
  return { data, width, height };
}

const data = ({ probabilities, logits, findings, truncated }: Localization) => ({
  probabilities,
  logits,
  findings,
  truncated,
});
const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: Error) => error,
  );

test('probabilities and logits are those of the float64 reference', async () => {
  const image = picture(97, 75, 3);
  const { metadata } = localizer;
  const g = createGraph();
  const pixels = g.input('pixels', [Math.ceil(image.data.length / 4), 1], { layout: 'dense', type: 'u32' });
  const format = { width: 97, height: 75, channels: 3, bits: 8 } as const;
  const { mean, std, fit, channelOrder: order } = metadata;
  const input = preprocess(g, pixels, {
    ...format,
    size: 64,
    fit,
    mean,
    std,
    scale: 1,
    order,
    batch: 1,
    slot: 0,
    type: 'f32',
  });
  const { logits, probabilities } = buildNetwork(g, architectureOf(metadata) as LocalizerArchitecture, input);
  const values = new Map();
  const bytes = new Uint8Array(Math.ceil(image.data.length / 4) * 4);
  bytes.set(image.data as Uint8Array);
  values.set(pixels, Float64Array.from(new Uint32Array(bytes.buffer)));
  const { tensors } = await readCheckpoint(weights);
  for (const [name, tensor] of g.parameters) values.set(tensor, Float64Array.from(tensors.get(name)!.data));
  const truth = evaluateReference(g.finish([logits, probabilities]), values);

  const result = await localizer.localize(image);
  classes.forEach((label, place) => {
    assert.ok(Math.abs(result.probabilities[label] - truth.get(probabilities)![place]) < 1e-5, label);
    assert.ok(Math.abs(result.logits[label] - truth.get(logits)![place]) < 1e-4, label);
  });
});

test('a misspelt option is refused by every call', async () => {
  const image = picture(32, 32, 1);
  const wrong = { heatThreshold: [60] } as LocalizeOptions;
  assert.match((await rejection(load(weights, { precison: 'f16' } as object)))!.message, /did you mean precision\?/);
  assert.match((await rejection(openGpu({ adaptor: 'x' } as object)))!.message, /did you mean adapter\?/);
  assert.match((await rejection(localizer.localize(image, wrong)))!.message, /did you mean heatThresholds\?/);
  assert.match((await rejection(localizer.localizeAll([image], wrong).next()))!.message, /localizeAll has no option/);
  assert.match(
    (await rejection(localizer.classify(image, { boxes: true } as object)))!.message,
    /expected bits, maxImageBytes, signal/,
  );
});

test('findings are inside the image, belong to classes that reach their threshold, and agree with the scaled heatmap', async () => {
  const image = picture(120, 80, 1);
  const result = await localizer.localize(image, { classes: classes.slice(0, 3), heatmaps: 'scaled' });
  assert.ok(result.findings.length >= 6, 'a min–max heatmap has a box at each threshold');
  for (const { label, box, threshold, area, peak, score } of result.findings) {
    assert.ok(classes.slice(0, 3).includes(label));
    assert.is(score, result.probabilities[label]);
    const { data: heat, width, height } = result.heatmaps![label];
    assert.equal([width, height], [120, 80]);
    assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= 120 && box.y + box.height <= 80);
    let highest = 0;
    let above = 0;
    for (let y = box.y; y < box.y + box.height; y++) {
      for (let x = box.x; x < box.x + box.width; x++) {
        highest = Math.max(highest, heat[y * 120 + x]);
        if (heat[y * 120 + x] >= threshold!) above++;
      }
    }
    assert.ok(Math.abs(highest - peak!) < 1e-2);
    assert.ok(above >= area! && area! <= box.width * box.height);
  }
  const open = (await localizer.localize(image)).findings.map(({ label }) => label);
  for (const label of open) assert.ok(result.probabilities[label] >= 0.5);
});

test('operating thresholds decide which classes get boxes', async () => {
  const image = picture(64, 64, 1);
  const all = Object.fromEntries(classes.map((label) => [label, 0]));
  const none = Object.fromEntries(classes.map((label) => [label, 1]));
  const labels = async (options: LocalizeOptions) => {
    const { findings } = await localizer.localize(image, options);
    return [...new Set(findings.map(({ label }) => label))];
  };
  assert.equal(await labels({ operatingThresholds: none }), []);
  assert.equal((await labels({ operatingThresholds: all })).sort(), [...classes].sort());
  assert.equal(await labels({ classes: ['Mass'] }), ['Mass']);
  assert.equal(await labels({ classes: [] }), []);
});

test('maxBoxes limits the boxes, and truncated says so', async () => {
  const options = { classes, heatThresholds: [1, 40, 90, 140, 200] };
  const whole = await localizer.localize(picture(200, 150, 1, 7), options);
  assert.equal(whole.truncated, []);
  const cut = await localizer.localize(picture(200, 150, 1, 7), { ...options, maxBoxes: 1 });
  const several = classes.filter((label) => {
    const own = whole.findings.filter((finding) => finding.label === label).map(({ threshold }) => threshold);
    return new Set(own).size < own.length;
  });
  assert.equal(cut.truncated, several);
});

test('lungMask marks boxes outside of lungs and heart, or leaves them out', async () => {
  const { image } = drawPhantom({ seed: 1, index: 0, size: 64 });
  const options = { classes, heatThresholds: [40, 120, 200, 250] };
  const { findings: all } = await localizer.localize(image, options);
  const { findings: marked } = await localizer.localize(image, { ...options, lungMask: 'auto' });
  const { findings: kept } = await localizer.localize(image, { ...options, lungMask: 'drop' });
  assert.equal(
    marked.map(({ outsideLungs: _, ...finding }) => finding),
    all,
  );
  assert.equal(
    kept,
    marked.filter(({ outsideLungs }) => !outsideLungs),
  );
  assert.ok(kept.length > 0 && kept.length < all.length, `${kept.length} of ${all.length}`);
});

test('heatmapBorder takes the heat from the outer cells of the maps, and from nothing else', async () => {
  const net = tinyWeights(3);
  const image = picture(64, 64, 1, 5);
  const results = [];
  for (const heatmapBorder of [0, 2]) {
    await using own = await load(net, { device, heatmapScaling: 'relu', heatmapBorder });
    results.push(await own.localize(image, { classes: own.classes, heatmaps: 'raw' }));
  }
  const [{ heatmaps: plain, logits, probabilities }, bordered] = results;
  assert.equal([bordered.logits, bordered.probabilities], [logits, probabilities]);
  for (const [label, { data, width, height }] of Object.entries(plain!)) {
    const expected = data.map((value, at) => {
      const [x, y] = [at % width, Math.floor(at / width)];
      return Math.min(x, y, width - 1 - x, height - 1 - y) < 2 ? 0 : value;
    });
    assert.equal(
      bordered.heatmaps![label].data.map((value) => value + 0),
      expected.map((value) => value + 0),
      label,
    );
  }
  for (const [options, expected] of [
    [{ heatmapBorder: 2 }, /heatmapBorder needs heatmaps whose lowest heat is 0.*relu.*minmax/s],
    [{ heatmapScaling: 'relu', heatmapBorder: 8 }, /leaves no cell.*at most 7 for 16 × 16/s],
  ] as const) {
    const error = await load(net, { device, ...options }).catch((one: Error) => one);
    assert.match(String(error), expected);
  }
});

detail('regions smaller than minRegion give no box, except the highest one, for every fit', async () => {
  const image = picture(200, 150, 1, 7);
  for (const [fit, side] of [
    ['stretch', Math.sqrt(200 * 150)],
    ['crop', 150],
    ['pad', 200],
  ] as const) {
    const heatThresholds = [1, 40, 90, 140, 200];
    const metadata = { ...localizer.metadata, inputWidth: 192, inputHeight: 192, fit, heatThresholds, minRegion: 3 };
    const own = await load(weights, { device, metadata });
    const options = { classes };
    const { findings, heatmaps } = await own.localize(image, { ...options, minRegion: 0, heatmaps: 'raw' });
    const { width, height } = heatmaps!.Mass;
    const peakOf = (label: string) =>
      Math.max(...findings.filter((each) => each.label === label).map(({ peak }) => peak!));
    const large = findings.filter(
      ({ label, area, peak }) => area! >= (3 * side * side) / (width * height) || peak === peakOf(label),
    );
    assert.ok(large.length > 0 && large.length < findings.length, `${large.length} of ${findings.length}`);
    assert.equal((await own.localize(image, options)).findings, large, fit);
    const { findings: highest } = await own.localize(image, { ...options, minRegion: 1e9 });
    assert.equal([...new Set(highest.map(({ label }) => label))], [...classes], 'what is found is shown');
    await own.close();
  }
});

test('boxRules cut the heatmaps of some classes otherwise, and options of a call replace them', async () => {
  const image = picture(200, 150, 1, 7);
  const net = tinyWeights(3);
  await using plain = await load(net, { device, heatThresholds: [60, 180] });
  const [first, second, ...others] = plain.classes;
  const boxRules = { [first]: { heatThresholds: [20, 90, 240], minRegion: 4 }, [second]: { minRegion: 1e9 } };
  await using own = await load(net, { device, heatThresholds: [60, 180], boxRules });
  const found = (localizer: Localizer, label: string, options: LocalizeOptions = {}) =>
    localizer.localize(image, { classes: [label], ...options }).then(({ findings }) => findings);
  const { findings } = await own.localize(image, { classes: own.classes });
  assert.equal(
    findings.filter(({ label }) => label === first),
    await found(plain, first, boxRules[first]),
  );
  assert.equal(
    findings.filter(({ label }) => label === second),
    await found(plain, second, boxRules[second]),
  );
  for (const label of others)
    assert.equal(
      findings.filter((one) => one.label === label),
      await found(plain, label),
    );
  const options = { heatThresholds: [100], minRegion: 0 };
  assert.equal(await found(own, first, options), await found(plain, first, options));
});

detail('small regions are left out before maxBoxes is applied, and the highest one stays', async () => {
  const random = seededRandom(9);
  const image = { data: new Uint8Array(200 * 150).map(() => random() * 256), width: 200, height: 150 };
  const finer = await load(weights, { device, metadata: { ...localizer.metadata, inputWidth: 192, inputHeight: 192 } });
  const options = { classes, heatThresholds: [40, 70, 90, 110, 140], minRegion: 2 };
  const whole = await finer.localize(image, options);
  const everything = await finer.localize(image, { ...options, minRegion: 0 });
  const rowsOf = (findings: readonly Finding[], label: string, heat: number) =>
    findings.filter((each) => each.label === label && each.threshold === heat);
  let hidden = 0;
  for (const maxBoxes of [1, 2, 3]) {
    const cut = await finer.localize(image, { ...options, maxBoxes });
    const expected = classes.flatMap((label) =>
      options.heatThresholds.flatMap((heat) => {
        const rows = rowsOf(whole.findings, label, heat);
        const top = Math.max(...whole.findings.filter((each) => each.label === label).map(({ peak }) => peak!));
        const first = rows.slice(0, maxBoxes);
        const highest = rows.find(({ peak }) => peak === top);
        // With so few boxes, the table would not have contained the regions that are large enough.
        const known = rowsOf(everything.findings, label, heat).slice(0, maxBoxes);
        hidden += first.filter((row) => !known.some(({ box }) => box.x === row.box.x && box.y === row.box.y)).length;
        return !highest || first.includes(highest) ? first : [...first.slice(0, -1), highest];
      }),
    );
    assert.equal(cut.findings, expected, `maxBoxes ${maxBoxes}`);
    const longer = (label: string) =>
      options.heatThresholds.some((heat) => rowsOf(whole.findings, label, heat).length > maxBoxes);
    assert.equal(cut.truncated, classes.filter(longer));
  }
  assert.ok(hidden > 0, 'some large region comes after small ones');
  // An image whose table is too small is run again, when the GPU has the next batch already.
  const noise = () => ({ ...image, data: new Uint8Array(200 * 150).map(() => random() * 256) });
  const images = [image, noise(), noise(), noise(), image];
  const alone = [];
  for (const each of images) alone.push(await finer.localize(each, { ...options, maxBoxes: 1 }));
  const together = [];
  for await (const result of finer.localizeAll(images, { ...options, maxBoxes: 1, batch: 2 })) together.push(result);
  assert.equal(
    together.map(({ findings, truncated }) => [findings, truncated]),
    alone.map(({ findings, truncated }) => [findings, truncated]),
  );
  assert.is(new Set(alone.map(({ findings }) => JSON.stringify(findings))).size, 4);
  await finer.close();
});

test('the raw heatmap is the network’s own', async () => {
  const { heatmaps } = await localizer.localize(picture(64, 64, 1), { heatmaps: 'raw' });
  assert.equal(Object.keys(heatmaps!), [...classes]);
  assert.ok(heatmaps!.Mass.data.length === heatmaps!.Mass.width * heatmaps!.Mass.height);
});

test('the same image gives the same results in every form', async () => {
  const image = picture(60, 44, 1, 3);
  const truth = data(await localizer.localize(image));
  const png = await encodePng({ ...image, data: image.data as Uint8Array, channels: 1 });
  const buffer = device.createBuffer({ size: image.data.length, usage: 0x80 | 0x4 | 0x8 });
  device.queue.writeBuffer(buffer, 0, image.data as Uint8Array<ArrayBuffer>);
  const rgb = { ...image, data: Uint8Array.from(image.data, (_, i) => image.data[i]).slice() };
  const forms = {
    clamped: { ...image, data: new Uint8ClampedArray(image.data) },
    png,
    'array buffer': png.slice().buffer,
    blob: new Blob([png as Uint8Array<ArrayBuffer>]),
    response: new Response(png as Uint8Array<ArrayBuffer>),
    'GPU buffer': { buffer, width: 60, height: 44, channels: 1 as const, bits: 8 as const },
    shared: { ...rgb, data: sharedCopy(image.data as Uint8Array) },
  };
  for (const [name, form] of Object.entries(forms)) {
    assert.equal(data(await localizer.localize(form)), truth, name);
  }
  buffer.destroy();
  const rgba = {
    ...image,
    data: Uint8Array.from({ length: 60 * 44 * 4 }, (_, i) => (i % 4 === 3 ? 255 : image.data[i >> 2])),
  };
  const texture = device.createTexture({ size: [60, 44], format: 'rgba8unorm', usage: 0x1 | 0x2 });
  device.queue.writeTexture({ texture }, rgba.data, { bytesPerRow: 240 }, [60, 44]);
  assert.equal(data(await localizer.localize(texture)), data(await localizer.localize(rgba)), 'texture');
  texture.destroy();
});

function sharedCopy(source: Uint8Array): Uint8Array {
  const shared = new Uint8Array(
    typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(source.length) : new SharedArrayBuffer(source.length),
  );
  shared.set(source);
  return shared;
}

test('pixels on the GPU: buffers may be longer than the image, but not shorter, and need COPY_SRC', async () => {
  const image = { data: picture(5, 5, 3).data as Uint8Array<ArrayBuffer>, width: 5, height: 5 };
  const truth = data(await localizer.localize(image));
  const given = { width: 5, height: 5, channels: 3, bits: 8 } as const;
  const withBuffer = async (size: number, usage: number) => {
    const buffer = device.createBuffer({ size, usage });
    const bytes = new Uint8Array(76);
    bytes.set(image.data);
    device.queue.writeBuffer(buffer, 0, bytes.subarray(0, size >= 76 ? 76 : 72));
    const result = await localizer.localize({ ...given, buffer }).catch((error: Error) => error);
    buffer.destroy();
    return result;
  };
  for (const size of [76, 4096]) assert.equal(data((await withBuffer(size, 0x4 | 0x8)) as Localization), truth);
  // The last of the 75 bytes could not be copied.
  assert.match(String(await withBuffer(75, 0x4 | 0x8)), /InputError.*rounded up to a multiple of 4.*in 75 bytes/);
  assert.match(String(await withBuffer(76, 0x80 | 0x8)), /InputError.*usage COPY_SRC/);
  const texture = device.createTexture({ size: [4, 4], format: 'r8unorm', usage: 0x4 });
  assert.match(String(await rejection(localizer.localize(texture))), /InputError.*usage COPY_SRC/);
  texture.destroy();
});

test("with output 'gpu' the results are buffers, which can be read back", async () => {
  const image = picture(64, 64, 1);
  const truth = await localizer.localize(image, { classes });
  const result = await localizer.localize(image, { classes, output: 'gpu' });
  const read = async ({ buffer, shape }: typeof result.logits) => {
    return readBuffer(
      gpu,
      buffer,
      0,
      shape.reduce((all, one) => all * one, 4),
    );
  };
  assert.equal([...new Float32Array(await read(result.logits))], Object.values(truth.logits));
  const counts = new Uint32Array(await read(result.counts!));
  const perClass = classes.map((label) =>
    [60, 180].map((cut) => truth.findings.filter((f) => f.label === label && f.threshold === cut).length),
  );
  assert.equal(
    [...counts],
    perClass.flatMap((found) => [...found, 0]),
  );
  result.destroy();
});

test('a batch of images of many sizes', async () => {
  const images = [1, 2, 3, 4, 5, 6].map((seed) => picture(30 + 5 * seed, 40, 1, seed));
  const alone: Localization[] = [];
  for (const image of images) alone.push(await localizer.localize(image));
  let place = 0;
  for await (const result of localizer.localizeAll(images, { batch: 6 })) {
    const other = alone[place++];
    for (const label of classes) assert.ok(Math.abs(result.logits[label] - other.logits[label]) < 1e-5);
    assert.equal(
      result.findings.map(({ box }) => box),
      other.findings.map(({ box }) => box),
    );
  }
  assert.is(place, 6);
});

test('16-bit samples are more precise than 8-bit ones', async () => {
  const [eight, sixteen] = [picture(50, 50, 1, 5, 8), picture(50, 50, 1, 5, 16)];
  const [a, b] = [await localizer.localize(eight), await localizer.localize(sixteen)];
  for (const label of classes) assert.ok(Math.abs(a.probabilities[label] - b.probabilities[label]) < 0.02);
  assert.not.equal(a.probabilities, b.probabilities);
});

test('unusual images can be localized: one pixel, one row, constant', async () => {
  for (const image of [picture(1, 1, 1), picture(300, 1, 3), picture(1, 77, 4)]) {
    const { probabilities } = await localizer.localize(image, { classes });
    assert.ok(Object.values(probabilities).every((value) => value >= 0 && value <= 1));
  }
  const flat = await localizer.localize(
    { data: new Uint8Array(900).fill(80), width: 30, height: 30 },
    { classes, heatmaps: 'scaled' },
  );
  for (const label of classes) assert.ok(flat.heatmaps![label].data.every((value) => value >= 0 && value <= 255));
});

test('inputs that are not images are refused, with what was expected', async () => {
  const bad: [unknown, RegExp][] = [
    [{ data: new Float32Array(4).fill(Number.NaN), width: 2, height: 2 }, /wrong type.*NaN has no grey value/],
    [{ data: new Uint8Array(5), width: 2, height: 2 }, /1, 3 or 4 channels/],
    [{ data: new Uint8Array(0), width: 0, height: 0 }, /wrong size/],
    [new TextEncoder().encode('this is a text'), /image/i],
    [new Uint8Array(0), /empty|image/i],
    [new Uint16Array(4), /bare numbers/],
    [{}, /not an image that raybox knows/],
    [undefined, /not an image that raybox knows.*Undefined/],
    [null, /not an image that raybox knows.*Null/],
    [42, /not an image that raybox knows.*Number/],
    ['/nowhere/image.png', /cannot read/],
    ['http://127.0.0.1:9/image.png', /cannot read http.*expected a URL that answers/],
  ];
  for (const [image, message] of bad) {
    const error = await rejection(localizer.localize(image as never));
    assert.instance(error, InputError, String(message));
    assert.match(error!.message, message);
  }
});

test('requests that make no sense are refused', async () => {
  const image = picture(8, 8, 1);
  const bad: [LocalizeOptions, RegExp][] = [
    [{ classes: ['Gout'] }, /unknown class; expected Atelectasis/],
    [{ operatingThresholds: { Mass: 2 } }, /operating threshold of Mass; expected 0…1/],
    [{ thresholds: { Mass: 0.5 } } as never, /no option thresholds.*thresholds is called operatingThresholds/],
    [{ heatThresholds: [] }, /heatThresholds/],
    [{ heatThresholds: [300] }, /heatThresholds/],
    [{ heatThresholds: null as never }, /heatThresholds; expected 1 to 16 different numbers/],
    [{ heatThresholds: '60' as never }, /heatThresholds; expected 1 to 16 different numbers/],
    [{ operatingThresholds: null as never }, /operatingThresholds; expected values by name; given null/],
    [{ maxBoxes: 0 }, /maxBoxes/],
    [{ minRegion: -1 }, /minRegion; expected a number of cells/],
    [{ lungMask: 'on' as never }, /lungMask; expected off or auto or drop; given 'on'/],
    [{ lungMask: 'auto', output: 'gpu' } as never, /lungMask with output: 'gpu'; expected off; given auto/],
    [{ heatmaps: 'all' as never }, /heatmaps; expected none or raw or scaled/],
    [{ boxes: 'no' } as never, /localize: boxes; expected true or false; given 'no'/],
    [{ maxImageBytes: Number.NaN }, /localize: maxImageBytes; expected a number of bytes/],
    [{ output: 'disk' } as never, /output; expected cpu or gpu/],
    [{ signal: {} } as never, /localize: signal; expected an AbortSignal; given \[object Object\]/],
    [{ signal: null } as never, /localize: signal; expected an AbortSignal; given null/],
  ];
  for (const [options, message] of bad) {
    assert.match((await rejection(localizer.localize(image, options)))?.message ?? '', message);
  }
});

test('overlapping calls are queued and not mixed up', async () => {
  const images = [1, 2, 3, 4, 5, 6].map((seed) => picture(40 + seed, 50, 1, seed));
  const alone: unknown[] = [];
  for (const image of images) alone.push(data(await localizer.localize(image)));
  const together = await Promise.all(images.map((image) => localizer.localize(image)));
  assert.equal(together.map(data), alone);
});

test('localizeAll gives results in order, in batches, and continues after a bad image', async () => {
  const images = [1, 2, 3, 4, 5].map((seed) => picture(48, 48, 1, seed));
  const alone: Localization[] = [];
  for (const image of images) alone.push(await localizer.localize(image));
  const errors: number[] = [];
  const mixed = [images[0], images[1], new Uint8Array(9), images[2], images[3], images[4]];
  const results: Localization[] = [];
  const options = { batch: 2, onError: (_: Error, index: number) => errors.push(index) };
  for await (const result of localizer.localizeAll(mixed, options)) results.push(result);
  assert.equal(errors, [2]);
  assert.equal(
    results.map(({ index }) => index),
    [0, 1, 3, 4, 5],
  );
  results.forEach((result, place) => {
    for (const label of classes) assert.ok(Math.abs(result.logits[label] - alone[place].logits[label]) < 1e-5);
    assert.is(result.findings.length, alone[place].findings.length);
  });
  const seen: number[] = [];
  const strict = (async () => {
    for await (const { index } of localizer.localizeAll(mixed, { batch: 4 })) seen.push(index);
  })();
  assert.instance(await rejection(strict), InputError);
  assert.equal(seen, [0, 1], 'those before the bad one come all the same');
});

test('images may be functions that read them, and errors come in the order of the images', async () => {
  const events: string[] = [];
  const read = (seed: number) => async () => {
    events.push(`read ${seed}`);
    if (seed % 3 === 0) throw new InputError(`no image ${seed}`);
    return picture(20, 20, 1, seed);
  };
  const onError = async (error: Error, index: number) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    events.push(`${index}: ${error.message}`);
  };
  const given = [1, 2, 3, 4, 6, 9, 12, 15, 5, 7, 8, 10, 11, 13].map(read);
  for await (const { index } of localizer.localizeAll(given, { batch: 3, onError })) events.push(`${index}`);
  const outcomes = events.filter((event) => !event.startsWith('read'));
  assert.equal(outcomes, [
    '0',
    '1',
    '2: no image 3',
    '3',
    ...[4, 5, 6, 7].map((i) => `${i}: no image ${[6, 9, 12, 15][i - 4]}`),
    ...['8', '9', '10', '11', '12', '13'],
  ]);
  assert.is(events.filter((event) => event.startsWith('read')).length, given.length, 'each is read once');
  // The first batch has the images 1, 2 and 4, the second one none, the third one 5, 7 and 8.
  assert.ok(events.indexOf('read 13') > events.indexOf('0'), 'a batch is read when the one before it begins');

  // The images of a batch are read together, and no more than that.
  let [under, most] = [0, 0];
  const counted = async () => {
    most = Math.max(most, ++under);
    await new Promise((resolve) => setTimeout(resolve, 1));
    under -= 1;
    return picture(20, 20, 1, 1);
  };
  for await (const _ of localizer.localizeAll(Array(7).fill(counted), { batch: 3 }));
  assert.is(most, 3);

  const stop = () => {
    throw new Error('enough');
  };
  const stopped = localizer.localizeAll([read(3), read(1)], { onError: stop });
  assert.is((await rejection(stopped.next()))?.message, 'enough');
  assert.equal(data(await localizer.localize(read(1))), data(await localizer.localize(picture(20, 20, 1, 1))));
  assert.match((await rejection(localizer.localize(read(3))))!.message, /no image 3/);
});

test('an image that the GPU refuses is reported and left out of its batch', async () => {
  // Rows of 3 bytes cannot be copied, which is only noticed when the texture is read.
  const texture = device.createTexture({ size: [3, 3], format: 'r8unorm', usage: 0x1 | 0x2 });
  const images = [picture(20, 20, 1), texture, picture(21, 20, 1), texture];
  const errors: [number, string][] = [];
  const indexes: number[] = [];
  const onError = (error: Error, index: number) => errors.push([index, error.name]);
  for await (const { index } of localizer.localizeAll(images, { batch: 3, onError })) indexes.push(index);
  texture.destroy();
  assert.equal(indexes, [0, 2]);
  assert.equal(errors, [
    [1, 'InputError'],
    [3, 'InputError'],
  ]);
});

test('the iterable of the images is closed when no more are needed', async () => {
  let closed = 0;
  async function* camera() {
    try {
      for (let seed = 1; ; seed++) yield picture(20, 20, 1, seed);
    } finally {
      closed++;
    }
  }
  for await (const _ of localizer.localizeAll(camera(), { batch: 2 })) break;
  const abort = new AbortController();
  const aborted = (async () => {
    for await (const _ of localizer.localizeAll(camera(), { signal: abort.signal })) abort.abort(new Error('enough'));
  })();
  assert.is((await rejection(aborted))?.message, 'enough');
  await localizer.localize(picture(20, 20, 1));
  assert.is(closed, 2);
});

test('if the iterable of images fails, those that it gave before are localized first', async () => {
  const given = (count: number) =>
    (function* () {
      for (let index = 0; index < count; index++) yield picture(32, 32, 1, index);
      throw new Error('the folder is gone');
    })();
  for (const options of [{ batch: 4 }, { batch: 4, onError: () => {} }, { batch: 1 }]) {
    const seen: number[] = [];
    const error = await rejection(
      (async () => {
        for await (const { index } of localizer.localizeAll(given(6), options)) seen.push(index);
      })(),
    );
    assert.is(error?.message, 'the folder is gone');
    assert.equal(seen, [0, 1, 2, 3, 4, 5]);
  }
});

test('localizeAll refuses a single image', async () => {
  for (const images of ['chest.png', new Uint8Array(9), 5, undefined]) {
    const error = await rejection(localizer.localizeAll(images as never).next());
    assert.instance(error, InputError);
    assert.match(error!.message, /iterable of images.*localize\(\) takes a single image/);
  }
});

test('an abort ends a call, and the next one works', async () => {
  const abort = new AbortController();
  abort.abort(new Error('enough'));
  assert.is((await rejection(localizer.localize(picture(32, 32, 1), { signal: abort.signal })))?.message, 'enough');
  assert.ok((await localizer.localize(picture(32, 32, 1))).probabilities);
});

test('results can be exported as COCO and as a box list', async () => {
  const result = await localizer.localize(picture(64, 64, 1), { classes: ['Infiltration'] });
  const coco = result.toCOCO('a.png');
  assert.is(coco.images[0].file_name, 'a.png');
  assert.is(coco.annotations.length, result.findings.length);
  const [header, first] = result.toCSV('a.png').split('\n');
  assert.match(header, /^Image Index,Finding Label,Bbox \[x,y,w,h\],/);
  const { box, score } = result.findings[0];
  assert.is(first, ['a.png', 'Infiltration', box.x, box.y, box.width, box.height, score].join(','));
  assert.not.ok('toCSV' in JSON.parse(JSON.stringify(result)));
  // If an image was skipped, its name must not be that of the next result.
  for (const write of [() => toCSV([result], ['a.png', 'b.png']), () => toCOCO([result], [], localizer.classes)])
    assert.throws(write, /not as many names as results.*names\[result\.index\]/);
});

test('weights that do not fit are refused before anything is uploaded', async () => {
  const cases: [Parameters<typeof load>[0], RegExp][] = [
    [new Uint8Array(100), /not a checkpoint|weights/],
    [weights.subarray(0, weights.length >> 1), /safetensors|weights/],
    ['/nowhere/model.pth', /cannot read/],
    [42 as never, /these are not weights/],
    ['http://127.0.0.1:9/model.pth', /cannot read http/],
    [new Response('text').body!.pipeThrough(new TextDecoderStream()) as never, /expected Uint8Array pieces/],
  ];
  for (const [given, message] of cases) {
    const error = await rejection(load(given, { device }));
    assert.instance(error, InputError);
    assert.match(error!.message, message);
  }
  const error = await rejection(load(weights, { device, metadata: { classes: ['one'] } }));
  assert.match(error!.message, /names of the classes do not fit .* expected 8, one for each output; given 1: one/);
});

test('weights and logits that are not finite are refused, since their results would look like a healthy chest', async () => {
  const { tensors, metadata } = readSafetensors(weights);
  const changed = (name: string, value: number) => {
    const { shape, data: values } = tensors.get(name)!;
    return writeSafetensors(new Map([...tensors, [name, { shape, data: values.map(() => value) }]]), metadata);
  };
  for (const value of [Number.NaN, Number.NEGATIVE_INFINITY]) {
    const error = await rejection(load(changed('head.prediction.bias', value), { device }));
    assert.match(String(error), /InputError: the checkpoint's head\.prediction\.bias is not finite/);
  }
  const overflowing = await load(changed('head.prediction.weight', 3e38), { device, metadata: SMALL });
  const error = await rejection(overflowing.classify(picture(32, 32, 1)));
  assert.match(String(error), /InputError: the network computed no number for Atelectasis, .*finite logits/);
  await overflowing.close();
});

test('weights come from a stream, a Blob, a Response and a function, with progress', async () => {
  const blob = new Blob([weights as Uint8Array<ArrayBuffer>]);
  const truth = await localizer.classify(picture(32, 32, 1));
  for (const source of [blob, blob.stream(), new Response(blob), () => weights]) {
    const seen: number[] = [];
    const other = await load(source, { device, metadata: SMALL, onProgress: (done) => seen.push(done) });
    assert.equal(await other.classify(picture(32, 32, 1)), truth);
    assert.is(seen.at(-1), 1);
    assert.ok(seen.every((value, i) => i === 0 || value >= seen[i - 1]));
    await other.close();
  }
});

test('classify follows the option bits', async () => {
  const image = { data: Uint16Array.from(picture(32, 32, 1).data, (sample) => sample * 16), width: 32, height: 32 };
  const { warnings } = await localizer.classify(image, { bits: 12 });
  assert.ok(!warnings.some(({ code }) => code === 'assumed-bits'));
});

test('a stream can be read once, a function again and again', async () => {
  const open = () => new Blob([weights as Uint8Array<ArrayBuffer>]).stream();
  const once = await load(open(), { device, metadata: SMALL });
  assert.match(
    String(await rejection(once.restore())),
    /InputError: weights from a stream or Response cannot be read again/,
  );
  assert.ok(await once.classify(picture(32, 32, 1)), 'it still works');
  await once.close();
  const again = await load(open, { device, metadata: SMALL });
  await again.restore();
  assert.ok(await again.classify(picture(32, 32, 1)));
  await again.close();
});

test('f16 gives results near those of f32 if the adapter has it, and is refused otherwise', async () => {
  const options = { device, metadata: SMALL, precision: 'f16' } as const;
  if (!gpu.features.has('shader-f16')) {
    assert.match((await rejection(load(weights, options)))?.message ?? '', /no f16/);
    return;
  }
  const half = await load(weights, options);
  const image = picture(70, 60, 1);
  const [a, b] = [await half.classify(image), await localizer.classify(image)];
  for (const label of classes) assert.ok(Math.abs(a.probabilities[label] - b.probabilities[label]) < 5e-3, label);
  await half.close();
});

test('after the loss of a device of the caller’s own, restore says that it needs another one', async () => {
  const [first, second] = [await openGpu(), await openGpu()];
  const own = await load(tinyWeights(1), { device: first.device });
  first.device.destroy();
  await own.lost;
  const refusal = await rejection(own.restore());
  assert.instance(refusal, DeviceLostError);
  assert.match(refusal!.message, /if the device was your own, give it another one: localizer\.restore\(device\)/);
  await own.restore(second.device);
  await own.classify(picture(32, 32, 1));
  await own.close();
  second.close();
});

test('after the loss of the device calls reject, and restore starts again', async () => {
  const own = await load(tinyWeights(1));
  const before = await own.classify(picture(32, 32, 1));
  own.gpu.device.destroy();
  assert.instance(await own.lost, DeviceLostError);
  assert.instance(await rejection(own.classify(picture(32, 32, 1))), DeviceLostError);
  await own.restore();
  assert.equal(await own.classify(picture(32, 32, 1)), before);
  await own.close();
});

detail('calls that were made before restore or close are finished first', async () => {
  const own = await load(tinyWeights(1));
  const image = picture(32, 32, 1);
  const truth = await own.classify(image);
  const around = [own.classify(image), own.restore(), own.classify(image)];
  assert.equal([(await Promise.all(around))[0], (await Promise.all(around))[2]], [truth, truth]);
  const png = await encodePng({ ...image, data: image.data as Uint8Array, channels: 1 });
  // A Blob is still being read when close() is called.
  const pending = [new Blob([png as Uint8Array<ArrayBuffer>]), image].map((one) => own.classify(one));
  const all = own.localizeAll([image, image], { batch: 1 });
  await all.next();
  await Promise.all([own.close(), own.close()]);
  assert.equal(await Promise.all(pending), [truth, truth]);
  assert.match(String(await rejection(all.next())), /InputError: the localizer was closed/);
  assert.instance(await rejection(own.restore()), InputError);
});

test('a device that is lost in the middle ends every call with a DeviceLostError', async () => {
  const own = await load(tinyWeights(1));
  const images = Array.from({ length: 9 }, (_, seed) => picture(200, 200, 1, seed));
  const all = (async () => {
    for await (const { index } of own.localizeAll(images, { batch: 2 })) if (index === 1) own.gpu.device.destroy();
  })();
  const calls = [all, ...images.map((image) => own.localize(image))];
  for (const error of await Promise.all(calls.map(rejection))) assert.ok(!error || error instanceof DeviceLostError);
  assert.instance(await rejection(all), DeviceLostError);
  assert.instance(await rejection(own.localize(images[0])), DeviceLostError);
  await own.close();
});

test('close frees the localizer’s buffers, and does not affect a shared device', async () => {
  const other = await load(weights, { device, metadata: SMALL });
  await other.warmup();
  assert.ok(other.memory().bytes > 0);
  await other.close();
  await other.close();
  assert.match((await rejection(other.localize(picture(8, 8, 1))))?.message ?? '', /closed/);
  assert.ok((await localizer.localize(picture(32, 32, 1))).probabilities, 'the device still works');
});

detail('memory does not grow over many calls', async () => {
  const images = [picture(64, 64, 1, 1), picture(80, 60, 3, 2)];
  for (const image of images) await localizer.localize(image);
  const before = localizer.memory().bytes;
  const pipelines = gpu.pipelines.size;
  for (let i = 0; i < 20; i++) await localizer.localize(images[i % 2]);
  assert.is(localizer.memory().bytes, before);
  assert.is(gpu.pipelines.size, pipelines);
});

detail('plans for many image sizes do not accumulate', async () => {
  for (let size = 20; size < 45; size++) await localizer.localize(picture(size, 30, 1));
  const before = localizer.memory().bytes;
  for (let size = 20; size < 45; size++) await localizer.localize(picture(size, 30, 1));
  assert.is(localizer.memory().bytes, before);
});

detail(
  'under a tiny binding limit, pictures, networks, heatmaps and boxes come in bands, to the same bits',
  async () => {
    const limits = new Proxy(gpu.limits, {
      get: (own, name) => (name === 'maxStorageBufferBindingSize' ? 96 << 10 : Reflect.get(own, name, own)),
    });
    const backbone: Backbone = {
      family: 'densenet',
      growthRate: 6,
      blocks: [2, 3],
      initialFeatures: 10,
      bottleneck: 3,
    };
    const head: Head = { classes: 2, pooling: 'lse', r: 5, transition: { channels: 9, kernel: 1, activation: 'relu' } };
    const g = createGraph();
    buildNetwork(g, { backbone, head }, g.input('image', [1, 96, 96, 3]));
    const tensors = new Map<string, { shape: number[]; data: Float32Array }>();
    for (const [name, { shape }] of g.parameters) {
      tensors.set(name, { shape: [...shape], data: Float32Array.from(await generated(name, shape)) });
    }
    const labels = ['Mass', 'Nodule'];
    const given = { inputWidth: 96, inputHeight: 96, lseR: 5, classes: labels };
    const model = await readModel(writeSafetensors(tensors), { metadata: given });
    const request = requestOf(model.metadata, { classes: labels, heatmaps: 'scaled' });
    const images = [picture(150, 120, 1), picture(90, 200, 3, 2), picture(96, 96, 4, 3, 16)].map((image) => {
      return { ...image, channels: (image.data.length / image.width / image.height) as 1 };
    });
    const run = async (on: typeof gpu) => {
      const backend = { name: 'webgpu', reason: 'asked for' } as const;
      const session = await createSession({ ...on, close() {} }, model, { backend });
      const batch = { images, indexes: [0, 1, 2] };
      const results = await describeBatch(session, batch, request, await session.run(images, request));
      session.close();
      return results.map((result) => [data(result), result.heatmaps]);
    };
    assert.equal(await run({ ...gpu, limits }), await run(gpu));
  },
);

test('the number and the bytes of kept plans are limited', async () => {
  const open = new Set<string>();
  const planOf = (name: string, arenas: number) => async () => {
    open.add(name);
    return { plan: { memory: { constants: 9e9, arenas, tensors: 1 } }, close: () => open.delete(name) };
  };
  const cache = createCache<Awaited<ReturnType<ReturnType<typeof planOf>>>>(3, 100);
  for (const name of ['a', 'b', 'c', 'a', 'd']) await cache.get(name, planOf(name, 20));
  assert.equal([...open], ['a', 'c', 'd']); // b was used least recently
  await cache.get('large', planOf('large', 70));
  assert.equal([...open], ['d', 'large']);
  await cache.get('huge', planOf('huge', 1000));
  assert.equal([...open], ['huge'], 'what is asked for stays, however large');
  cache.clear();
  assert.is(open.size, 0);
});

test('a profile lists stages and kernels if the adapter has timestamps', async () => {
  const times = await localizer.profile();
  if (!gpu.features.has('timestamp-query')) return assert.is(times, undefined);
  assert.equal(
    times!.map(({ stage }) => stage),
    ['input', 'network', 'boxes'],
  );
  assert.ok(times![1].dispatches.some(({ kernel }) => kernel.startsWith('conv2d')));
});

test('a localizer can be closed by `await using`', () => {
  assert.type(Localizer.prototype[Symbol.asyncDispose], 'function');
});

test.after(async () => {
  await localizer.close();
  gpu.close();
});
test.run();
