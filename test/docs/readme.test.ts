/**
 * Checks the README: its JavaScript and its commands run, and the npm scripts and files that it names exist. This is done in a folder with a
 * small network and three phantoms, on the adapter of the tests.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CHEST_XRAY8_LABELS } from '../../src/formats/data_sets/image_table.js';
import { encodePng } from '../../src/formats/images/png.js';
import { drawPhantom } from '../../src/phantom/index.js';
import { assertLinks, linkedFiles, readPage } from '../support/markdown.js';
import { tinyWeights } from '../support/tiny.js';

const root = new URL('../../../', import.meta.url).pathname;
const run = promisify(execFile);
const readme = readPage('README.md');
const { text, blocks } = readme;

const folder = mkdtempSync(join(tmpdir(), 'raybox-readme-'));
mkdirSync(join(folder, 'node_modules'));
mkdirSync(join(folder, 'xrays'));
symlinkSync(root, join(folder, 'node_modules/raybox'));
writeFileSync(join(folder, 'weights.safetensors'), tinyWeights(1, [...CHEST_XRAY8_LABELS]));
for (const [index, name] of ['chest.png', 'xrays/a.png', 'xrays/b.png', 'xrays/c.png'].entries()) {
  const { image } = drawPhantom({ seed: 1, index, size: 128, preset: 'demo' });
  writeFileSync(join(folder, name), await encodePng({ ...image, channels: 1 }));
}

test('every block is of a kind that is checked', () => {
  const kinds = new Set(blocks.map(({ language, kind }) => `${language} ${kind ?? ''}`.trim()));
  assert.equal([...kinds].sort(), ['', 'js', 'sh', 'sh npm', 'ts']);
});

for (const [index, { code }] of blocks.filter(({ language }) => language === 'js').entries()) {
  test(`JavaScript block ${index + 1} runs`, async () => {
    const file = join(folder, `block${index}.mjs`);
    writeFileSync(file, code);
    const { stdout } = await run(process.execPath, [file], { cwd: folder, timeout: 120_000 });
    assert.ok(stdout.length > 0, 'it prints something');
  });
}

const commands = blocks
  .filter(({ language, kind }) => language === 'sh' && !kind)
  .flatMap(({ code }) => code.trim().split('\n'));
for (const command of commands) {
  test(command, async () => {
    const [program, ...args] = command.split(' ');
    assert.is(program, 'raybox');
    const { stdout } = await run(process.execPath, [join(root, 'dist/src/cli/cli.js'), ...args], {
      cwd: folder,
      timeout: 240_000,
    });
    if (!args.includes('--out')) assert.ok(stdout.length > 0, 'it prints something');
  });
}

test('commands have written the files that they should', () => {
  assert.is(readFileSync(join(folder, 'results.jsonl'), 'utf8').trim().split('\n').length, 3);
  for (const name of ['a', 'b', 'c']) assert.ok(existsSync(join(folder, `overlays/${name}.png`)), name);
});

test('npm scripts and commands in the text exist', async () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const [, name] of text.matchAll(/npm run\s([\w:]+)/g)) assert.ok(name in scripts, name);
  const { stdout } = await run(process.execPath, [join(root, 'dist/src/cli/cli.js')]);
  for (const [, name] of text.matchAll(/`raybox (\w+)/g)) assert.match(stdout, new RegExp(`^ +${name} `, 'm'));
});

test('links lead to files of the repository', () => assertLinks(readme));

test('what the README links to is packed, and every page that a packed page links to', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root });
  const packed: string[] = JSON.parse(stdout)[0].files.map(({ path }: { path: string }) => path);
  const pages = packed.filter((path) => path.endsWith('.md')).map(readPage);
  assert.ok(pages.length >= 14);
  const links = pages.flatMap((page) => linkedFiles(page).map((path) => ({ page: page.page, path })));
  assert.ok(links.length >= 40);
  assert.equal(
    links.filter(({ page, path }) => !packed.includes(path) && (page === 'README.md' || path.endsWith('.md'))),
    [],
  );
});

test('the browser example is the same as the one that a test runs', () => {
  const [{ code }] = blocks.filter(({ language }) => language === 'ts');
  const example = readFileSync(join(root, 'test/examples/browser.ts'), 'utf8');
  const shown = example
    .replace(/'\.\.\/\.\.\/src\/index\.js'; .*/, "'raybox';")
    .replace(/'\.\.\/\.\.\/src\/web\/overlay_element\.js'; .*/, "'raybox/overlay';");
  assert.is(code, shown);
});

test.after(() => rmSync(folder, { recursive: true }));
test.run();
