// After build.js: the demo page in dist/web/, ready for any web server. Weights that come with raybox lie beside it.
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => join(root, ...parts);

/** @param folder where the page goes; what was there is replaced. */
export async function buildPage(folder = at('dist/web')) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'weights'), { recursive: true });
  for (const name of ['demo.css', 'demo.html']) {
    copyFileSync(at('src/web', name), join(folder, name === 'demo.html' ? 'index.html' : name));
  }
  const names = existsSync(at('weights'))
    ? readdirSync(at('weights')).filter((name) => name.endsWith('.safetensors'))
    : [];
  for (const name of names) copyFileSync(at('weights', name), join(folder, 'weights', name));
  writeFileSync(join(folder, 'weights/index.json'), JSON.stringify(names.sort()));
  await build({
    absWorkingDir: root,
    entryPoints: ['dist/src/web/demo.js'],
    outdir: folder,
    entryNames: '[name]',
    chunkNames: 'chunk-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'warning',
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPage();
