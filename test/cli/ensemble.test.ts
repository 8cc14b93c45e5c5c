/** `raybox ensemble`: the file's logits and heatmaps are the weighted means of its members', whatever each member's input and classes. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { TensorData } from '../../src/formats/weights/checkpoint.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/weights/safetensors.js';
import {
  formatWeightsMetadata,
  parseWeightsMetadata,
  type WeightsMetadata,
} from '../../src/formats/weights/weights.js';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { load } from '../../src/index.js';
import { type Architecture, architectureMetadata } from '../../src/nets/architecture.js';
import { buildNetwork } from '../../src/nets/index.js';
import { seededRandom } from '../../src/random.js';

const gpu = await openGpu();
const folder = mkdtempSync(join(tmpdir(), 'raybox-ensemble-'));
test.after(() => {
  gpu.close();
  rmSync(folder, { recursive: true, force: true });
});
const at = (name: string) => join(folder, name);
const program = fileURLToPath(new URL('../../src/cli/cli.js', import.meta.url));
const run = (...args: string[]) => spawnSync(process.execPath, [program, 'ensemble', ...args], { encoding: 'utf8' });

/** Writes a network of one convolution with random weights. */
function member(name: string, seed: number, own: Partial<WeightsMetadata> = {}, strides = 1): string {
  const classes = own.classes ?? ['Mass', 'Nodule', 'Effusion'];
  const metadata = {
    ...{ classes, inputWidth: 32, inputHeight: 32, inputChannels: 3, channelOrder: 'rgb', fit: 'stretch' },
    ...{ mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.5], heatmapScaling: 'relu', trainingData: name, license: 'MIT' },
    ...own,
  } as const;
  const architecture: Architecture = {
    backbone: { family: 'vgg', layers: [5, ...Array(strides).fill('M')], batchNorm: false },
    head: {
      classes: classes.length,
      pooling: metadata.pooling ?? 'average',
      ...(metadata.lseR ? { r: metadata.lseR } : {}),
    },
  };
  const g = createGraph();
  buildNetwork(g, architecture, g.input('image', [1, 32, 32, metadata.inputChannels]));
  const random = seededRandom(seed);
  const tensors = [...g.parameters].map(([key, { shape }]): [string, TensorData] => [
    key,
    {
      shape: [...shape],
      data: Float32Array.from({ length: shape.reduce((all, one) => all * one, 1) }, () => random() * 2 - 1),
    },
  ]);
  const strings = formatWeightsMetadata({ ...architectureMetadata(architecture), ...metadata } as WeightsMetadata);
  writeFileSync(at(name), writeSafetensors(new Map(tensors), strings));
  return at(name);
}

const random = seededRandom(8);
const colour = { data: Uint8Array.from({ length: 32 * 32 * 3 }, () => 256 * random()), width: 32, height: 32 };

async function resultOf(file: string) {
  await using localizer = await load(file, { device: gpu.device });
  const { logits, heatmaps } = await localizer.localize(colour, { heatmaps: 'raw', classes: localizer.classes });
  return { logits, heatmaps: heatmaps!, metadata: localizer.metadata, warnings: localizer.warnings };
}

const close = (actual: number, expected: number, what: string) =>
  assert.ok(Math.abs(actual - expected) < 2e-5, `${what}: ${actual}, expected ${expected}`);

test('logits and maps are the weighted means, with the classes in the order of the first member', async () => {
  const first = member('a', 1, { pooling: 'lse', lseR: 3 });
  const second = member('b', 2, { classes: ['Effusion', 'Mass', 'Nodule'], channelOrder: 'bgr', mean: [0, 0.1, 0.2] });
  const out = at('ab');
  const { status, stderr } = run(first, second, '--out', out, '--shares', '3,1', '--dtype', 'f32');
  assert.is(status, 0, stderr);
  const [a, b, joined] = [await resultOf(first), await resultOf(second), await resultOf(out)];
  assert.equal(joined.metadata.classes, a.metadata.classes);
  assert.equal(joined.warnings, []);
  assert.is(joined.metadata.trainingData, 'a; b');
  for (const name of joined.metadata.classes) {
    close(joined.logits[name], 0.75 * a.logits[name] + 0.25 * b.logits[name], name);
    for (const [i, value] of joined.heatmaps[name].data.entries()) {
      close(value, 0.75 * a.heatmaps[name].data[i] + 0.25 * b.heatmaps[name].data[i], `${name} at ${i}`);
    }
  }
});

test('a member with a smaller input gets the image resized, and its maps are enlarged', async () => {
  const large = member('large', 3, { minRegion: 0, heatThresholds: [60, 180] });
  const small = member('small', 4, { inputWidth: 16, inputHeight: 16 });
  const out = at('sizes');
  const { status, stderr } = run(large, small, '--out', out, '--dtype', 'f32');
  assert.is(status, 0, stderr);
  assert.not.match(stderr, /left out/, 'a member without these fields has the same values by default');
  const [a, b, joined] = [await resultOf(large), await resultOf(small), await resultOf(out)];
  assert.equal([joined.metadata.minRegion, joined.metadata.heatThresholds], [0, [60, 180]]);
  for (const name of joined.metadata.classes) {
    close(joined.logits[name], (a.logits[name] + b.logits[name]) / 2, name);
    assert.equal([joined.heatmaps[name].height, b.heatmaps[name].height], [16, 8]);
    // In a corner, bilinear interpolation repeats the value of the corner's cell.
    close(joined.heatmaps[name].data[0], (a.heatmaps[name].data[0] + b.heatmaps[name].data[0]) / 2, `${name}, corner`);
  }
});

test('with --mirror the result of a mirrored image is the mirrored result', async () => {
  const out = at('mirrored');
  assert.is(run(member('one', 5), '--out', out, '--mirror', '--dtype', 'f32').status, 0);
  const joined = await resultOf(out);
  await using localizer = await load(out, { device: gpu.device });
  const data = colour.data.map((_, i) => {
    const [pixel, channel] = [Math.floor(i / 3), i % 3];
    return colour.data[(pixel - (pixel % 32) + 31 - (pixel % 32)) * 3 + channel];
  });
  const { logits, heatmaps } = await localizer.localize({ ...colour, data }, { heatmaps: 'raw' });
  for (const name of joined.metadata.classes) {
    close(logits[name], joined.logits[name], name);
    const { width, data: map } = joined.heatmaps[name];
    for (const [i, value] of map.entries()) {
      close(heatmaps![name].data[i - (i % width) + width - 1 - (i % width)], value, `${name} at ${i}`);
    }
  }
});

test('a single member keeps its operating thresholds, unless it also sees the mirrored image', () => {
  const own = { Mass: 0.25, Nodule: 0.5, Effusion: 0.75 };
  const one = member('own.safetensors', 5, { operatingThresholds: own });
  const thresholds = (...args: string[]) => {
    const { status, stderr } = run(one, ...args, '--out', at(`of own ${args.length}.safetensors`));
    assert.is(status, 0, stderr);
    const { metadata } = readSafetensors(readFileSync(at(`of own ${args.length}.safetensors`)));
    return [parseWeightsMetadata(metadata).operatingThresholds, /operating thresholds were left out/.test(stderr)];
  };
  assert.equal(thresholds(), [own, false]);
  assert.equal(thresholds('--mirror'), [undefined, true]);
});

test('ranges of activations are left out, and it says so', () => {
  const ranged = member('ranged.safetensors', 6, { activationRanges: { 'features.0.weight': [-1, 1] } });
  const { status, stderr } = run(ranged, member('unranged.safetensors', 7), '--out', at('of ranged.safetensors'));
  assert.is(status, 0, stderr);
  assert.match(stderr, /activation_ranges were left out.*raybox quantize --calibrate/);
  const { metadata } = readSafetensors(readFileSync(at('of ranged.safetensors')));
  assert.is(parseWeightsMetadata(metadata).activationRanges, undefined);
});

test('what cannot be joined is refused by name, without a file', () => {
  const one = member('first', 6);
  const cases: [args: string[], status: number, message: RegExp][] = [
    [
      [one, member('classes', 7, { classes: ['Mass'] })],
      1,
      /classes has other classes than .*first; expected Mass, Nodule, Effusion; given Mass/,
    ],
    [
      [one, member('grey', 7, { inputChannels: 1, mean: [0], std: [1] })],
      1,
      /grey has another inputChannels .* expected 3; given 1/,
    ],
    [[one, member('fit', 7, { fit: 'pad' })], 1, /fit has another fit/],
    [[one, member('scaled', 7, { heatmapScaling: 'minmax' })], 1, /another heatmapScaling .*--metadata changes it/],
    [[one, one, '--shares', '1'], 2, /1 numbers for 2 networks/],
    [[one, one, '--shares', '1,0'], 1, /share of .* is wrong; expected a number above 0; given 0/],
    [[one, at('none')], 1, /none/],
  ];
  for (const [args, status, message] of cases) {
    const out = at('refused');
    const done = run(...args, '--out', out);
    assert.is(done.status, status, done.stderr);
    assert.match(done.stderr.replace(/\s+/g, ' '), message);
    assert.not.ok(existsSync(out));
  }
  assert.match(run(one, '--out', one).stderr, /is there already/);
  assert.match(run(one, '--out', at('both.onnx')).stderr, /a name that ends in \.safetensors/);
});

test.run();
