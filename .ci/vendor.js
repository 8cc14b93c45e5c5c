// Bundles the libraries that src/vendor and src/node/vendor re-export, each into its own file of dist/, and gathers their licences.
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Whether a file is in a folder named `vendor`. Such files are bundled; all others are transpiled one by one. */
export const isVendored = (path) => /[\\/]vendor[\\/][^\\/]+\.ts$/.test(path);

// CommonJS libraries for Node ask for its modules through `require`, which an ES module does not have.
const REQUIRE =
  "import { createRequire as requireOfLibraries } from 'node:module'; const require = requireOfLibraries(import.meta.url);";

/** What is copied as it is, from node_modules to dist/src/node/vendor. */
const FONT = '@fontsource/dejavu-sans/files/dejavu-sans-latin-400-normal.woff';

/** @param root the repository. Paths in `files` are absolute. */
export async function bundleVendored(root, files) {
  const shared = {
    absWorkingDir: root,
    outdir: 'dist',
    outbase: root,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
  };
  const forNode = (path) => /[\\/]node[\\/]vendor[\\/]/.test(path);
  const results = await Promise.all([
    build({
      ...shared,
      entryPoints: files.filter((path) => !forNode(path)),
      platform: 'browser',
      metafile: true,
      logLevel: 'warning',
    }),
    build({
      ...shared,
      entryPoints: files.filter(forNode),
      platform: 'node',
      banner: { js: REQUIRE },
      metafile: true,
      logLevel: 'warning',
    }),
  ]);
  copyFileSync(join(root, 'node_modules', FONT), join(root, 'dist/src/node/vendor/dejavu-sans.woff'));
  const inputs = [`node_modules/${FONT}`, ...results.flatMap(({ metafile }) => Object.keys(metafile.inputs))];
  writeFileSync(join(root, 'dist/THIRD_PARTY_LICENSES.txt'), licences(root, inputs));
}

/** The licence of every package that a bundle took something from. */
function licences(root, inputs) {
  const names = inputs.flatMap(
    (path) => /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.slice(0, 2).join('|') ?? [],
  );
  const folders = new Map(names.map((both) => both.split('|')).map(([path, name]) => [path, name]));
  const parts = [...folders].sort().map(([path, name]) => {
    const folder = join(root, path);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text = file ? readFileSync(join(folder, file), 'utf8').trim() : `Licence: ${license}`;
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  return `raybox contains parts of these packages, under their licences.\n\n${parts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
