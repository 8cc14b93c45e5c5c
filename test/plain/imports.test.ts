/** Rules about which folders may import which, and about kernels and the code that dispatches them. */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as embedded from '../../src/generated/kernels.js';
import { assemble, type Kernel, packParams } from '../../src/gpu/wgsl.js';
import type { Case, Operation, Traits } from '../../src/graph/ir/operation.js';
import { lower, type Step } from '../../src/graph/plan/lower.js';
import { FUNCTIONS as BINARY } from '../../src/ops/general/binary.js';
import { COMPARISONS } from '../../src/ops/general/compare.js';
import { FUNCTIONS as UNARY } from '../../src/ops/general/functions.js';
import { all as caseTables } from '../../src/ops/generated/cases.js';
import { all as operations } from '../../src/ops/generated/forward.js';
import { ACTIVATIONS } from '../../src/ops/layers/activations.js';
import { buildCase } from '../../src/verify/check.js';

// From dist/test/plain.
const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const list = (folder: string, ending: string) =>
  (readdirSync(new URL(folder, root), { recursive: true }) as string[])
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .filter((name) => name.endsWith(ending))
    .sort();

/** Single files of src that every room may import, and which others each of them may import. */
const helpers: Record<string, readonly string[]> = {
  errors: [],
  warnings: [],
  random: [],
  sigmoid: [],
  edit_distance: [],
  options: ['errors', 'edit_distance'],
};

/** What each room may import: these rooms, and the rooms that those may import. src/README.md has the same table. */
const rooms: Record<string, readonly string[]> = {
  formats: [],
  reports: ['formats'],
  phantom: ['formats'],
  overlay: ['formats'],
  gpu: [],
  graph: ['gpu', 'formats'],
  ops: ['graph'],
  verify: ['ops'],
  nets: ['ops'],
  export: ['nets'],
  import: ['export'],
  localizer: ['import', 'verify'],
  evaluate: ['formats'],
  train: ['localizer', 'evaluate'],
};

/** The packages that a room may import: `*` for any. */
const packages: Record<string, readonly string[]> = {
  vendor: ['*'],
  formats: ['#zlib'],
  gpu: ['#gpu'],
  localizer: ['#gpu'],
  evaluate: ['@observablehq/plot', 'linkedom'],
  node: ['*'],
  cli: ['*'],
  web: ['react', 'preact'], // their types alone
};

/** The rooms that a room may import, and those that they may import in turn. */
const closure = (room: string): string[] => [...new Set((rooms[room] ?? []).flatMap((one) => [one, ...closure(one)]))];

const engine = [...Object.keys(rooms), 'index'];

/** Each part of src: which others it may import. `vendor` are libraries as they are packed, `generated` the kernels’ sources. */
const parts: Record<string, readonly string[]> = {
  ...helpers,
  ...Object.fromEntries(Object.keys(rooms).map((room) => [room, [...Object.keys(helpers), ...closure(room)]])),
  vendor: [],
  generated: ['gpu'],
  index: [...Object.keys(helpers), ...Object.keys(rooms)],
  graph_entry: ['gpu', 'graph', 'ops', 'verify'],
  node: [...Object.keys(helpers), ...engine],
  cli: [...Object.keys(helpers), ...engine, 'node'],
  web: [...Object.keys(helpers), ...engine],
};
// Only the files that run kernels embed them, and only readers of other formats need a library.
const beside: Record<string, readonly string[]> = {
  ops: ['generated'],
  formats: ['vendor'],
  reports: ['vendor'],
  export: ['vendor'],
  import: ['vendor'],
};

const partOf = (file: string) =>
  file
    .replace(/^src\//, '')
    .replace(/\.\w+$/, '')
    .split('/')[0];

/** The forbidden imports of `file`, whose content is `text`. */
function forbiddenImports(file: string, text: string): string[] {
  const part = partOf(file);
  if (!parts[part]) return [`${file}: part ${part} has no rule in test/plain/imports.test.ts`];
  return ts.preProcessFile(text, true, true).importedFiles.flatMap(({ fileName: name }) => {
    if (name.startsWith('.')) {
      const to = partOf(posix.join(posix.dirname(file), name));
      return [part, ...parts[part], ...(beside[part] ?? [])].includes(to)
        ? []
        : [`${file}: ${part} may not import ${to} (${name})`];
    }
    const builtin = name.startsWith('node:') || builtinModules.includes(name);
    if (builtin) return part === 'node' || part === 'cli' ? [] : [`${file}: ${name} is Node's`];
    const [scope, rest] = name.split('/');
    const packageName = scope.startsWith('@') ? `${scope}/${rest}` : scope;
    const allowed = packages[part] ?? [];
    return allowed.includes(packageName) || allowed.includes('*') ? [] : [`${file}: ${part} may not import ${name}`];
  });
}

const nodeGlobals = /^(process|Buffer|require|module|__dirname|__filename|setImmediate)$/;
const domGlobals = new RegExp(
  `^(${[
    'document|window|navigator|location|history|localStorage|sessionStorage|alert|customElements|getComputedStyle',
    'requestAnimationFrame|createImageBitmap|OffscreenCanvas|CanvasRenderingContext2D|ImageData|Image|DOMParser',
    'FileReader|XMLHttpRequest|MutationObserver|ResizeObserver|HTML\\w*Element|SVG\\w*Element|ShadowRoot|CustomEvent',
  ].join('|')})$`,
);

/** Global names in `file` that only src/node, src/cli or src/web may use. Names that it declares itself are allowed. */
function forbiddenGlobals(file: string, text: string): string[] {
  const part = partOf(file);
  const banned = (name: string) =>
    (part !== 'node' && part !== 'cli' && nodeGlobals.test(name)) || (part !== 'web' && domGlobals.test(name));
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const declared = new Set<string>();
  const used = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && banned(node.text)) {
      const { parent } = node;
      const declares = 'name' in parent && parent.name === node && !ts.isPropertyAccessExpression(parent);
      const member = ts.isPropertyAccessExpression(parent) && parent.name === node;
      const ofGlobal =
        member && ts.isIdentifier(bare(parent.expression)) && bare(parent.expression).getText() === 'globalThis';
      if (declares) {
        if (!ts.isPropertyAssignment(parent) && !ts.isPropertySignature(parent)) declared.add(node.text);
      } else if (!member || ofGlobal) used.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...used].filter((name) => !declared.has(name)).map((name) => `${file}: uses ${name}`);
}

// An expression without parentheses and type assertions around it.
function bare(expression: ts.Expression): ts.Expression {
  return ts.isParenthesizedExpression(expression) || ts.isAsExpression(expression) || ts.isNonNullExpression(expression)
    ? bare(expression.expression)
    : expression;
}

const sources = list('src', '.ts').map((file) => [file, read(file)] as const);

test('no folder imports another one that it may not import', () => {
  assert.ok(sources.length > 50);
  assert.equal(
    sources.flatMap(([file, text]) => forbiddenImports(file, text)),
    [],
  );
});

test('the table of rooms in src/README.md is the same as the checked one', () => {
  const rows = [
    ...read('src/README.md').matchAll(/^\| (?:\[(\w+)\]\([^)]*\)|(\w+)) \| [^|]*(?:`[^`]*`[^|]*)* \| ([^|]*)\|$/gm),
  ];
  const said = Object.fromEntries(rows.map(([, linked, plain, imports]) => [linked ?? plain, imports.trim()]));
  for (const [room, imports] of Object.entries(rooms)) assert.is(said[room], imports.join(', '), room);
  assert.is(said.node, 'everything but cli and web');
  assert.is(said.cli, 'everything but web');
  assert.is(said.web, 'everything but cli and node');
});

test('in src/graph, ir imports neither passes nor plan, and passes does not import plan', () => {
  const order = ['ir', 'passes', 'plan'];
  const upwards = sources.flatMap(([file, text]) => {
    const from = order.indexOf(/^src\/graph\/(\w+)\//.exec(file)?.[1] ?? '');
    return ts.preProcessFile(text, true, true).importedFiles.flatMap(({ fileName }) => {
      const to = order.indexOf(fileName.split('/')[1]);
      return from >= 0 && fileName.startsWith('../') && to > from ? [`${file}: ${fileName}`] : [];
    });
  });
  assert.equal(upwards, []);
});

test('an operation imports its own kernels, and no list of all of them', () => {
  const all = sources.filter(
    ([file, text]) => !file.startsWith('src/generated/') && /generated\/kernels\.js/.test(text),
  );
  assert.equal(
    all.map(([file]) => file),
    [],
    'import ../../generated/kernels/NAME.js: a bundler splits code by modules',
  );
});

test('only src/node and src/cli use Node’s globals, only src/web those of a page', () => {
  assert.equal(
    sources.flatMap(([file, text]) => forbiddenGlobals(file, text)),
    [],
  );
});

test('no file of the folder graph names an operation', () => {
  const names = new Set(Object.values(operations).map(({ name }) => name));
  const named = sources
    .filter(([file]) => file.startsWith('src/graph/'))
    .flatMap(([file, text]) =>
      [...text.matchAll(/'(\w+)'/g)].filter(([, word]) => names.has(word)).map(([, word]) => `${file}: ${word}`),
    );
  assert.ok(names.size > 40);
  assert.equal(named, []);
});

test('the rules find violations', () => {
  const found = (file: string, text: string) =>
    [...forbiddenImports(file, text), ...forbiddenGlobals(file, text)].length;
  assert.is(found('src/gpu/a.ts', "import { x } from '../graph/graph.js';"), 1);
  assert.is(found('src/ops/a.ts', "import type { x } from '../nets/vgg.js';"), 1);
  assert.is(found('src/reports/a.ts', "export * from '../gpu/device.js';"), 1);
  assert.is(found('src/formats/a.ts', "const fs = await import('node:fs');"), 1);
  assert.is(found('src/nets/a.ts', "import gpu from '#gpu';"), 1);
  assert.is(found('src/node/a.ts', "import '../web/platform.js';"), 1);
  assert.is(found('src/strange/a.ts', ''), 1);
  assert.is(found('src/graph/a.ts', "document.title = 'x';"), 1);
  assert.is(found('src/graph/a.ts', 'const env = (globalThis as { process?: object }).process;'), 1);
  assert.is(found('src/graph/a.ts', 'function f(canvas: HTMLCanvasElement) {}'), 1);
  assert.is(
    found('src/graph/a.ts', "const window = 1; const text = 'document'; // navigator\nx(window, y.document);"),
    0,
  );
  assert.is(found('src/localizer/a.ts', "import gpu from '#gpu'; import { vgg } from '../nets/vgg.js';"), 0);
});

test('a kernel is short and begins with a comment', () => {
  const files = list('kernels', '.wgsl');
  assert.ok(files.length > 20);
  for (const file of files) {
    const lines = read(file).trimEnd().split('\n');
    assert.ok(lines.length <= 120, `${file} has ${lines.length} lines; at most 120`);
    assert.ok(/^\/\/ \S/.test(lines[0]), `${file} has no header comment`);
    const opening = lines.findIndex((line) => !line.startsWith('//'));
    const include = file.includes('/include/');
    assert.ok(include || opening >= 4, `${file}: its header says too little (maths, layout, who owns what)`);
  }
});

test('the embedded kernels are those of kernels/', async () => {
  const { kernelParts, kernelSource } = (await import(new URL('.ci/build.js', root).href)) as {
    kernelParts(folder: string): { name: string; parts: unknown[] }[];
    kernelSource(folder: string, parts: unknown[]): string;
  };
  const folder = fileURLToPath(new URL('kernels', root));
  const fresh = kernelParts(folder).map(({ name, parts }) => [name, kernelSource(folder, parts)]);
  assert.ok(fresh.length > 20);
  const shipped = Object.entries(embedded).map(([name, { source }]) => [name, source]);
  const differing = (these: string[][], those: string[][]) => {
    const known = new Map(those as [string, string][]);
    return these.filter(([name, text]) => known.get(name) !== text).map(([name]) => name);
  };
  const stale = new Set([...differing(fresh, shipped), ...differing(shipped, fresh)]);
  assert.equal([...stale], [], 'stale: run node .ci/build.js');
});

test('every activation has a case in both kernels', () => {
  const codes = Object.values(ACTIVATIONS).map(({ code }) => code);
  assert.equal(
    codes.sort((a, b) => a - b),
    Array.from(codes, (_, index) => index + 1),
  );
  for (const { name, source } of [embedded.activation, embedded.activation_gradient]) {
    const cases = [...source.matchAll(/case (\d+)u:/g)].map(([, code]) => Number(code));
    assert.equal(cases, codes, name);
    assert.match(source, new RegExp(`const_assert ACTIVATION.*<= ${codes.length};`), `${name} bounds its codes`);
  }
});

test('every general function has a case in its kernels', () => {
  const lists = [
    { rows: Object.values(UNARY), kernels: [embedded.unary, embedded.unary_gradient], byDefault: 0 },
    { rows: [...Object.values(BINARY), ...Object.values(COMPARISONS)], kernels: [embedded.binary], byDefault: 1 },
  ];
  for (const { rows, kernels, byDefault } of lists) {
    const codes = rows.map(({ code }) => code);
    assert.equal(
      codes,
      codes.map((_, index) => index + 1),
    );
    for (const { name, source } of kernels) {
      const table = source.slice(source.indexOf('switch params.code'));
      const cases = [...table.matchAll(/case (\d+)u:/g)].map(([, code]) => Number(code));
      assert.equal(cases, codes.slice(0, codes.length - byDefault), name);
    }
  }
});

const machine = { maxInvocations: 256, maxWorkgroupBytes: 32 << 10, maxBindingBytes: 128 << 20, f16: true };
const machines: Traits[] = [
  { ...machine, software: true, subgroupSize: 0 },
  {
    ...machine,
    software: false,
    subgroupSize: 32,
    matrices: [
      { factor: 'f16', sum: 'f32', rows: 16, columns: 16, depth: 16 },
      { factor: 'i8', sum: 'i32', rows: 16, columns: 16, depth: 32 },
    ],
    packedDot: true,
  },
];

/** Every dispatch of every case, in every variant that an adapter can choose. */
function* dispatches(): Generator<Step> {
  for (const [key, cases] of Object.entries(caseTables) as unknown as [string, Case[]][]) {
    const operation = (operations as unknown as Record<string, Operation>)[key];
    for (const one of cases) {
      for (const type of ['f32', 'f16'] as const) {
        const { graph, node } = buildCase(operation, one, type);
        for (const traits of machines) {
          for (const variant of operation.variants?.(node, traits) ?? ['default']) {
            const choose = (of: { operation: Operation }, variants: readonly string[]) =>
              of.operation === operation ? variant : variants[0];
            const { constantSteps, steps } = lower(graph, traits, choose);
            yield* constantSteps;
            yield* steps;
          }
        }
      }
    }
  }
}

test('the bindings that a kernel declares are those that are bound to it', () => {
  const seen = new Set<string>();
  const known = new Map<string, readonly (readonly [number, string])[]>();
  for (const { kernel, constants, bindings, params } of dispatches()) {
    seen.add(kernel.name);
    packParams(kernel, params); // throws unless every field is given, and no other
    const key = kernel.name + JSON.stringify(constants);
    let declared = known.get(key);
    if (!declared) {
      const found = assemble(kernel, constants).matchAll(/@binding\((\d+)\) var<(uniform|storage, \w+)>/g);
      declared = [...found].map(([, at, kind]) => [Number(at), kind] as const);
      known.set(key, declared);
    }
    for (const [at, kind] of declared) {
      const bound = { read: 'storage, read', write: 'storage, read_write' } as const;
      const given = at === bindings.length ? 'uniform' : at < bindings.length ? bound[bindings[at].access] : 'nothing';
      assert.is(given, kind, `${kernel.name}: binding ${at} is declared ${kind} and given ${given}`);
    }
    assert.ok(bindings.length <= 8, `${kernel.name} binds more storage buffers than every adapter has`);
  }
  const unseen = (Object.values(embedded) as Kernel[]).map(({ name }) => name).filter((name) => !seen.has(name));
  assert.equal(unseen, [], 'kernels that no case dispatches');
});

test.run();
