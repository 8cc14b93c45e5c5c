// Builds dist/: embeds the kernels, collects the operations, then transpiles every TypeScript file on its own.
// Types are `tsc`'s work (`npm run build` runs both); this half takes well under a second.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleVendored, isVendored } from './vendor.js';

// The package (`--package`) has no sources, so it has no source maps either. Files that named a map would make tools look for it in vain.
const SOURCE_MAPS = process.argv.includes('--package') ? {} : { sourcemap: 'linked', sourcesContent: false };

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => join(root, ...parts);

/** A kernel as it is shipped: without comments, blank lines and half of its indentation, which only the reader of `kernels/` needs. */
export function stripWgsl(text) {
  return text
    .split('\n')
    .map((line) => line.replace(/\/\/.*$/, '').trimEnd())
    .map((line) => line.replace(/^(?: {2})+/, (indent) => ' '.repeat(indent.length / 2)))
    .filter((line) => line !== '')
    .join('\n');
}

const readInclude = (folder, name) => readFileSync(join(folder, 'include', `${name}.wgsl`), 'utf8');

/**
 * Splits a kernel's text at its includes into parts: strings, and the names of included files. The line `#include NAME` is replaced by
 * kernels/include/NAME.wgsl, which may include other files.
 */
function partsOf(text) {
  const parts = text.split(/^#include (\w+)$/m);
  return parts.map((part, index) => (index % 2 ? { include: part } : part)).filter((part) => part !== '');
}

/** The whole text of an included file, in which its own includes are replaced too. */
const expand = (folder, name) =>
  partsOf(stripWgsl(readInclude(folder, name)))
    .map((part) => (typeof part === 'string' ? part.trim() : expand(folder, part.include)))
    .filter((part) => part !== '')
    .join('\n');

/** The kernels below a folder. `room` is the folder of a kernel, relative to that one. */
export function kernelParts(folder) {
  const paths = filesIn(folder, '.wgsl').filter((path) => !path.startsWith('include/'));
  return paths.map((path) => {
    const text = stripWgsl(readFileSync(join(folder, path), 'utf8'));
    return { name: basename(path, '.wgsl'), room: dirname(path), parts: partsOf(text) };
  });
}

/** A kernel's whole text. */
export const kernelSource = (folder, parts) =>
  parts.map((part) => (typeof part === 'string' ? part.trim() : expand(folder, part.include))).join('\n');

/** The files of a folder and of those in it that end in `ending`, sorted by their own names, which are unique. */
function filesIn(folder, ending) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith(ending))
    .sort((a, b) => (basename(a) < basename(b) ? -1 : 1));
}

/**
 * The modules of a folder's kernels, by their paths in the folder of generated files. Each kernel has a module, and so has each text that
 * kernels include: bundlers split code by modules, so that a page loads with its core only the kernels that the core runs. `kernels.ts`
 * names all of them, for tests and for folders of a few.
 */
export function embedKernels(folder = at('kernels'), types = '../gpu/wgsl.js') {
  const kernels = kernelParts(folder);
  const shared = new Set(kernels.flatMap(({ parts }) => parts.flatMap((part) => part.include ?? [])));
  const modules = {};
  for (const name of shared)
    modules[`kernels/include/${name}.ts`] = `export const include_${name} = ${JSON.stringify(expand(folder, name))};\n`;
  for (const { name, parts } of kernels) {
    const included = parts.flatMap((part) => part.include ?? []);
    const given = parts.map((part) => (part.include ? `include_${part.include}` : JSON.stringify(part.trim())));
    const imports = included.map((one) => `import { include_${one} } from './include/${one}.js';\n`).join('');
    const source = given.length === 1 ? given[0] : `/* @__PURE__ */ [${given.join(', ')}].join('\\n')`;
    modules[`kernels/${name}.ts`] =
      `import type { Kernel } from '../${types}';\n${imports}\nexport const ${name}: Kernel = { name: ${JSON.stringify(name)}, source: ${source} };\n`;
  }
  modules['kernels.ts'] = kernels.map(({ name }) => `export { ${name} } from './kernels/${name}.js';\n`).join('');
  const header = '// Made by .ci/build.js from the folder kernels.\n';
  return Object.fromEntries(Object.entries(modules).map(([path, text]) => [path, header + text]));
}

/**
 * The text of one index over the files of a room: every operation's `forward`, `reference`, `gradient` or `cases` in src/ops, every
 * family's `family` or `recognition` in src/nets. The indexes are separate, so that an inference bundle has neither references nor gradients
 * nor test cases, nor the code that recognises checkpoints of other programs.
 */
export function collect(what, room = 'src/ops') {
  const folder = at(room);
  const files = filesIn(folder, '.ts').filter((path) => !path.startsWith('generated/'));
  const having = files.filter((path) =>
    new RegExp(`^export (const|function) ${what}\\b`, 'm').test(readFileSync(join(folder, path), 'utf8')),
  );
  // A long operation may keep its reference and cases in `<name>.reference.ts`.
  const nameOf = (path) => basename(path).split('.')[0];
  const imports = having.map(
    (path) => `import { ${what} as ${nameOf(path)} } from '../${path.replace(/\.ts$/, '.js')}';\n`,
  );
  // Cases are made on demand, so that a bundler may drop the function that makes them.
  const entries = having.map(nameOf).map((name) => (what === 'cases' ? `${name}: ${name}()` : name));
  return `// Made by .ci/build.js from ${room}/**/*.ts.\n${imports.join('')}export const all = { ${entries.join(', ')} };\n`;
}

/** The index of gradients, each with its operation: an operation of a caller's own may have the name of one of raybox's. */
function collectGradients() {
  const rules = collect('gradient');
  const own = new Set([...rules.matchAll(/ as (\w+) \}/g)].map(([, name]) => name));
  const operations = [...collect('forward').matchAll(/import \{ forward as (\w+) \} from (\S+);/g)]
    .filter(([, name]) => own.has(name))
    .map(([, name, path]) => `import { forward as ${name}Operation } from ${path};\n`);
  const entries = [...own].map((name) => `${name}: [${name}Operation, ${name}]`);
  return rules.replace(
    /export const all = .*\n/,
    `${operations.join('')}export const all = { ${entries.join(', ')} } as const;\n`,
  );
}

/** The index of the families, with the type of a description of any of them. */
function collectFamilies() {
  const text = collect('family', 'src/nets');
  const types = [...text.matchAll(/from '\.\.\/(families\/\w+)\.js'/g)].map(([, path]) => ({
    path,
    type: /^export const family: Family<(\w+)>/m.exec(readFileSync(at(`src/nets/${path}.ts`), 'utf8'))[1],
  }));
  const imports = types.map(({ path, type }) => `import type { ${type} } from '../${path}.js';\n`).join('');
  const union = types.map(({ type }) => type).join(' | ');
  return `${text}\n${imports}\n/** The description of a backbone, by family. */\nexport type Backbone = ${union};\n`;
}

/**
 * A hash of everything that determines what kernels run and how they are dispatched. What tuning has measured is only used as long as it stays
 * the same.
 */
function operationsVersion() {
  const hash = createHash('sha256');
  for (const [folder, ending] of [
    ['kernels', '.wgsl'],
    ['src/ops', '.ts'],
  ]) {
    for (const path of filesIn(at(folder), ending).filter((one) => !one.startsWith('generated/'))) {
      hash.update(`${path}\n${readFileSync(at(folder, path), 'utf8')}`);
    }
  }
  return `// Made by .ci/build.js from the folders kernels and src/ops.\nexport const OPERATIONS_VERSION = '${hash.digest('hex').slice(0, 16)}';\n`;
}

function writeIfChanged(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
}

/** Writes the files of a folder that holds nothing else: what a build of another version left there would not compile. */
function writeGenerated(folder, texts) {
  for (const [name, text] of Object.entries(texts)) writeIfChanged(join(folder, name), text);
  for (const path of filesIn(folder, '.ts')) if (!(path in texts)) rmSync(join(folder, path));
}

const sources = (folder) =>
  existsSync(at(folder))
    ? readdirSync(at(folder), { recursive: true })
        .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts') && !name.includes('node_modules'))
        .map((name) => at(folder, name))
    : [];

/**
 * The benchmarks and the comparison with peers in one file each, in dist/bench, for machines with nothing but Node and Dawn. benchmark.js, on
 * which benny is built, asks for lodash through a `require` that no bundler sees through.
 */
export async function bundleBench(outdir = at('dist/bench')) {
  const seeThrough = {
    name: 'benchmark.js',
    setup({ onLoad }) {
      onLoad({ filter: /benchmark\.js$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8').replace('freeExports && freeRequire(id)', "id === 'lodash' && lodash");
        return { contents: `const lodash = require('lodash');\n${text}` };
      });
    },
  };
  await build({
    entryPoints: { 'gpu.bundle': at('dist/bench/run.js'), 'peers.bundle': at('dist/bench/peers/run.js') },
    outdir,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Engines in a page need the repository; they are left out where this file is not there.
    external: ['webgpu', '@sparticuz/chromium', 'esbuild', './chromium.js'],
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    plugins: [seeThrough],
    logLevel: 'warning',
  });
}

/**
 * An index in one file that shares no module with the engine, `dist/src/ops/generated/reference.js` for one. Bundlers split code by
 * modules: if the reference of an operation came from the operation's own module, every page would load it.
 */
async function bundleIndex(path) {
  const sameErrors = {
    name: 'errors',
    setup({ onResolve }) {
      // `instanceof InputError` must hold for whoever catches one.
      onResolve({ filter: /\/errors\.js$/ }, () => ({ path: '../../errors.js', external: true }));
    },
  };
  await build({
    absWorkingDir: root,
    entryPoints: [`${path}.ts`],
    outfile: `dist/${path}.js`,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    ...SOURCE_MAPS,
    plugins: [sameErrors],
    logLevel: 'warning',
  });
}

/** One ES module with everything that a page needs, for those without a bundler: dist/raybox.js. */
export async function bundlePage() {
  await build({
    absWorkingDir: root,
    entryPoints: ['dist/src/web/bundle.js'],
    outfile: 'dist/raybox.js',
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'eof',
    logLevel: 'warning',
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeGenerated(at('src/generated'), embedKernels(undefined, '../gpu/wgsl.js'));
  writeGenerated(at('bench/generated'), embedKernels(at('bench/kernels'), '../../src/gpu/wgsl.js'));
  const indexes = ['forward', 'reference', 'cases'].map((what) => [`${what}.ts`, collect(what)]);
  writeGenerated(at('src/ops/generated'), {
    ...Object.fromEntries(indexes),
    'gradient.ts': collectGradients(),
    'version.ts': operationsVersion(),
  });
  writeGenerated(at('src/nets/generated'), {
    'families.ts': collectFamilies(),
    'recognition.ts': collect('recognition', 'src/nets'),
  });
  if (process.argv.includes('--clean')) rmSync(at('dist'), { recursive: true, force: true });
  await build({
    entryPoints: [...sources('src'), ...sources('test'), ...sources('bench')].filter((path) => !isVendored(path)),
    outdir: at('dist'),
    outbase: root,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    ...SOURCE_MAPS,
    logLevel: 'warning',
  });
  await bundleIndex('src/ops/generated/reference');
  await bundleIndex('src/nets/generated/recognition');
  await bundleVendored(root, sources('src').filter(isVendored));
  await bundlePage();
  if (process.argv.includes('--bench')) await bundleBench();
}
