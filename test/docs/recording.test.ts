/**
 * The page's script records a network's activations with PyTorch, and `raybox verify --reference` finds that raybox agrees with them.
 * If `python3` (or $PYTHON) has no PyTorch, the test counts as skipped.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readPage } from '../support/markdown.js';

const PYTHON = process.env.PYTHON ?? 'python3';
const cli = new URL('../../src/cli/cli.js', import.meta.url).pathname;
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'raybox-recording-'));
test.after(() => rmSync(folder, { recursive: true }));

const hasTorch = spawnSync(PYTHON, ['-c', 'import torch, torchvision']).status === 0;
if (!hasTorch) console.log(`skipped: ${PYTHON} has no torch and torchvision`);

/** A SqueezeNet whose head is raybox's, with random weights, in the way that the page's script is used. */
const USE = `
import sys
torch.manual_seed(1)
model = torch.nn.Sequential()
model.add_module('features', __import__('torchvision').models.squeezenet1_1(weights=None).features)
model.add_module('pool', torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()))
model.add_module('classifier', torch.nn.Linear(512, 3))
torch.save(model.state_dict(), sys.argv[1])
if sys.argv[3] == 'wrong':
    model.features[3].squeeze.bias.data += 0.5
record(model, torch.randn(1, 3, 65, 65), sys.argv[2])
`;

const scripts = readPage('src/cli/README.md').blocks.filter(({ language }) => language === 'py');
const whereTorch = hasTorch ? test : test.skip;

test('the page has one script that records', () => {
  assert.is(scripts.length, 1);
  assert.match(scripts[0].code, /^def record\(model, image, file\):$/m);
});

for (const kind of ['right', 'wrong']) {
  whereTorch(`the page's script with a ${kind} network`, async () => {
    const [script, weights, recorded] = ['record.py', 'weights.pth', 'recorded.npz'].map((name) => join(folder, name));
    writeFileSync(script, scripts[0].code + USE);
    await run(PYTHON, [script, weights, recorded, kind]);
    const args = ['verify', '--weights', weights, '--reference', recorded];
    const { code, stdout } = await run(process.execPath, [cli, ...args]).then(
      (done) => ({ code: 0, stdout: done.stdout }),
      (error: { code: number; stdout: string }) => error,
    );
    assert.is(code, kind === 'right' ? 0 : 1, stdout);
    if (kind === 'wrong') assert.match(stdout, /features\.3\.squeeze/);
  });
}

test.run();
