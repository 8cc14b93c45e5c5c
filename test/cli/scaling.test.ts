/** `raybox convert --scaling`: a calibration becomes part of the network, whether that is a backbone with a head or a graph. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readSafetensors, writeSafetensors } from '../../src/formats/weights/safetensors.js';
import { formatWeightsMetadata, parseWeightsMetadata } from '../../src/formats/weights/weights.js';
import { openGpu } from '../../src/gpu/device.js';
import { load } from '../../src/index.js';
import type { FamilyNetwork } from '../../src/nets/architecture.js';
import { withScaling } from '../../src/nets/head/scaling.js';
import { networkOf } from '../../src/nets/index.js';
import { tinyPicture, tinyWeights } from '../support/tiny.js';

const gpu = await openGpu();
const folder = mkdtempSync(join(tmpdir(), 'raybox-scaling-'));
test.after(() => {
  gpu.close();
  rmSync(folder, { recursive: true, force: true });
});
const at = (name: string) => join(folder, name);
const program = fileURLToPath(new URL('../../src/cli/cli.js', import.meta.url));
const run = (...args: string[]) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });

const plain = at('plain.safetensors');
const { tensors, metadata } = readSafetensors(tinyWeights(4, ['Mass', 'Nodule', 'Effusion']));
const thresholds = { Mass: 0.3, Nodule: 1 };
const described = formatWeightsMetadata({ ...parseWeightsMetadata(metadata), operatingThresholds: thresholds });
writeFileSync(plain, writeSafetensors(tensors, described));
const SCALING = { Mass: { slope: 0.5, offset: -1 }, Nodule: { slope: 2, offset: 0.25 } };
writeFileSync(at('evaluation.json'), JSON.stringify({ overall: {}, scaling: SCALING }));
writeFileSync(at('scaling.json'), JSON.stringify(SCALING));

async function resultOf(file: string) {
  await using localizer = await load(file, { device: gpu.device });
  const { logits, probabilities, heatmaps } = await localizer.localize(tinyPicture(2), { heatmaps: 'raw' });
  return { logits, probabilities, heatmaps: heatmaps!, metadata: localizer.metadata };
}

for (const [what, from] of [
  ['a backbone with a head', 'evaluation.json'],
  ['a graph', 'scaling.json'],
] as const) {
  test(`${what}: logits, maps and thresholds are scaled`, async () => {
    let file = plain;
    if (what === 'a graph') {
      file = at('graph.safetensors');
      assert.is(run('ensemble', plain, '--out', file, '--dtype', 'f32').status, 0);
      assert.is(
        run(
          'convert',
          file,
          '--out',
          file,
          '--dtype',
          'f32',
          '--metadata',
          JSON.stringify({ operatingThresholds: thresholds }),
        ).status,
        0,
      );
    }
    const out = at(`${what.replaceAll(' ', '-')}.safetensors`);
    const { status, stderr } = run('convert', file, '--out', out, '--scaling', at(from), '--dtype', 'f32');
    assert.is(status, 0, stderr);
    const [before, after] = [await resultOf(file), await resultOf(out)];
    for (const name of ['Mass', 'Nodule', 'Effusion'] as const) {
      const { slope, offset } = name === 'Effusion' ? { slope: 1, offset: 0 } : SCALING[name];
      const expected = slope * before.logits[name] + offset;
      assert.ok(Math.abs(after.logits[name] - expected) < 1e-5, `${name}: ${after.logits[name]}, expected ${expected}`);
      assert.ok(Math.abs(after.probabilities[name] - 1 / (1 + Math.exp(-expected))) < 1e-6);
      for (const [i, value] of before.heatmaps[name].data.entries()) {
        assert.ok(Math.abs(after.heatmaps[name].data[i] - slope * value) < 1e-5);
      }
    }
    const { Mass, Nodule } = after.metadata.operatingThresholds!;
    assert.ok(Math.abs(Mass - 1 / (1 + Math.exp(-(0.5 * Math.log(0.3 / 0.7) - 1)))) < 1e-12);
    assert.is(Nodule, 1);
  });
}

test('networks that pool class maps become graphs without the numbers of their pooling', () => {
  const { classes, ...rest } = parseWeightsMetadata(metadata);
  for (const numbers of [
    { pooling: 'pcam' },
    { pooling: 'top-k', topK: 3, lowK: 1 },
    { pooling: 'lse-lba', lseR0: 1 },
    { pooling: 'attention', attentionChannels: 4 },
  ] as const) {
    const head = { classes: classes.length, ...numbers };
    const architecture: FamilyNetwork = {
      backbone: { family: 'vgg', prefix: 'features.', layers: [4, 'M'], batchNorm: false },
      head,
    };
    const model = { network: networkOf(architecture), architecture, metadata: { ...rest, classes, ...numbers } };
    const scaled = parseWeightsMetadata(formatWeightsMetadata(withScaling(model, new Map(), SCALING).metadata));
    assert.is((scaled.architecture as { family: string }).family, 'graph');
    assert.equal([scaled.pooling, scaled.topK, scaled.lseR0, scaled.attentionChannels], Array(4).fill(undefined));
  }
});

test('a scaling that does not fit is refused, without a file', () => {
  const cases: [content: unknown, message: RegExp][] = [
    [{ Masse: { slope: 1, offset: 0 } }, /no class Masse; expected Mass, Nodule, Effusion/],
    [{ Mass: { slope: -0.2, offset: 0 } }, /the scaling of Mass cannot be used; expected a slope above 0/],
    [{ Mass: { slope: 1 } }, /holds no scaling; expected evaluation\.json/],
    [{ scaling: {} }, /holds no scaling/],
    [[1], /holds no scaling/],
  ];
  for (const [content, message] of cases) {
    writeFileSync(at('wrong.json'), JSON.stringify(content));
    const { status, stderr } = run('convert', plain, '--out', at('wrong'), '--scaling', at('wrong.json'));
    assert.is(status, 1);
    assert.match(stderr.replace(/\s+/g, ' '), message);
    assert.not.ok(existsSync(at('wrong')));
  }
  assert.match(run('convert', plain, '--out', at('wrong'), '--scaling', at('none.json')).stderr, /none\.json/);
  assert.ok(readFileSync(plain).length > 0);
});

test.run();
