/** The core as a page loads it: small, and without Node modules, native packages or what only Node needs. */
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const LIMIT_BYTES = 60_000;

const { outputFiles, metafile } = await build({
  entryPoints: ['dist/src/index.js'],
  bundle: true,
  minify: true,
  splitting: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  outdir: 'out',
  write: false,
  metafile: true,
});

/** The entry and every chunk that it imports before anything runs; what is imported on demand does not count. */
function loadedAtOnce(): string[] {
  const entry = Object.keys(metafile.outputs).find((name) =>
    metafile.outputs[name].entryPoint?.endsWith('src/index.js'),
  )!;
  const loaded = [entry];
  for (const name of loaded) {
    for (const { path, kind } of metafile.outputs[name].imports) {
      if (kind === 'import-statement' && !loaded.includes(path)) loaded.push(path);
    }
  }
  return loaded;
}

test('the core is under 60 kB gzipped', () => {
  const parts = loadedAtOnce().map((name) => outputFiles.find(({ path }) => path.endsWith(name.replace(/^out/, '')))!);
  const bytes = parts.reduce((sum, { contents }) => sum + gzipSync(contents).length, 0);
  console.log(`core: ${parts.length} files, ${(bytes / 1000).toFixed(1)} kB gzipped`);
  assert.ok(bytes < LIMIT_BYTES, `${bytes} bytes`);
});

test('it loads no Node module, no native package, no decoder, no reference and no gradient', () => {
  const inputs = loadedAtOnce().flatMap((name) => Object.keys(metafile.outputs[name].inputs));
  const unwanted = inputs.filter((name) =>
    /node_modules|src\/node\/|nets\/infer|generated\/(reference|gradient|cases)|\.gradient\./.test(name),
  );
  assert.equal(unwanted, []);
  for (const { path, text } of outputFiles) {
    if (path.endsWith('.js')) assert.not.match(text, /from"node:|import\("node:|from"webgpu"|import\("webgpu"\)/, path);
  }
});

test.run();
