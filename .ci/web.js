// After build.js: the demo page and the bench page in dist/web/, ready for any web server. Weights that come with raybox lie beside them.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => join(root, ...parts);

const { version } = JSON.parse(readFileSync(at('package.json'), 'utf8'));

/** @param folder where the page goes; what was there is replaced. */
export async function buildPage(folder = at('dist/web')) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'weights'), { recursive: true });
  for (const name of ['demo.css', 'demo.html']) {
    copyFileSync(at('src/web', name), join(folder, name === 'demo.html' ? 'index.html' : name));
  }
  for (const name of ['bench.css', 'bench.html']) copyFileSync(at('bench/page', name), join(folder, name));
  const names = existsSync(at('weights'))
    ? readdirSync(at('weights')).filter((name) => name.endsWith('.safetensors'))
    : [];
  // Those for X-rays of patients come first in the list, and are also taken for images of an unknown kind. Of several for a kind, the page
  // uses the first, which is the smallest.
  const listed = names
    .map((name) => ({ name, imageKind: imageKindOf(at('weights', name)), bytes: statSync(at('weights', name)).size }))
    .sort((a, b) => (a.imageKind ?? '').localeCompare(b.imageKind ?? '') || a.bytes - b.bytes);
  for (const { name } of listed) copyFileSync(at('weights', name), join(folder, 'weights', name));
  writeFileSync(join(folder, 'weights/index.json'), JSON.stringify(listed));
  await build({
    absWorkingDir: root,
    entryPoints: {
      demo: 'dist/src/web/demo.js',
      demo_image_worker: 'dist/src/web/demo_image_worker.js',
      bench: 'dist/bench/page/page.js',
      bench_worker: 'dist/bench/page/worker.js',
    },
    define: { RAYBOX_VERSION: JSON.stringify(version) },
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

/** The kind of images that weights know, by the metadata at the beginning of their file. */
function imageKindOf(path) {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  return JSON.parse(bytes.toString('utf8', 8, 8 + length)).__metadata__?.image_kind;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPage();
