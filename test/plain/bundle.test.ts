/** The core as a page loads it: small, and without Node modules, native packages or what only Node needs. */
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const LIMIT_BYTES = 48_500;
/** With the networks of all families and the operations that they are made of, which come with the first weights. */
const LIMIT_WITH_NETWORKS = 95_000;

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

/** The entry and all chunks that it imports statically, and those dynamic imports that are listed. */
function loadedAtOnce(...onDemand: string[]): string[] {
  const entries = Object.keys(metafile.outputs).filter((name) =>
    ['src/index.js', ...onDemand].some((path) => metafile.outputs[name].entryPoint?.endsWith(path)),
  );
  assert.is(entries.length, 1 + onDemand.length);
  const loaded = [...entries];
  for (const name of loaded) {
    for (const { path, kind } of metafile.outputs[name].imports) {
      if (kind === 'import-statement' && !loaded.includes(path)) loaded.push(path);
    }
  }
  return loaded;
}

function gzippedBytes(names: readonly string[]): number {
  const parts = names.map((name) => outputFiles.find(({ path }) => path.endsWith(name.replace(/^out/, '')))!);
  return parts.reduce((sum, { contents }) => sum + gzipSync(contents).length, 0);
}

test('the core is under 48.5 kB gzipped, and under 95 kB with all networks', () => {
  const bytes = gzippedBytes(loadedAtOnce());
  const all = gzippedBytes(loadedAtOnce('src/nets/description/describe.js'));
  console.log(`core: ${(bytes / 1000).toFixed(1)} kB gzipped, with all networks ${(all / 1000).toFixed(1)} kB`);
  assert.ok(bytes < LIMIT_BYTES, `${bytes} bytes`);
  assert.ok(all < LIMIT_WITH_NETWORKS, `${all} bytes with networks`);
});

test('the core loads no Node module, native package, decoder, network, reference or gradient', () => {
  const inputsOf = (names: readonly string[]) => names.flatMap((name) => Object.keys(metafile.outputs[name].inputs));
  const always =
    /node_modules|src\/node\/|nets\/(infer|generated\/recognition)|generated\/(reference|gradient|cases)|\.gradient\./;
  const families = /nets\/(families\/|backbone)/;
  const core = inputsOf(loadedAtOnce());
  assert.equal(
    core.filter((name) => always.test(name) || families.test(name)),
    [],
  );
  const withNetworks = inputsOf(loadedAtOnce('src/nets/description/describe.js'));
  assert.equal(
    withNetworks.filter((name) => always.test(name)),
    [],
  );
  assert.ok(withNetworks.some((name) => families.test(name)));
  for (const { path, text } of outputFiles) {
    if (path.endsWith('.js')) assert.not.match(text, /from"node:|import\("node:|from"webgpu"|import\("webgpu"\)/, path);
  }
});

test.run();
