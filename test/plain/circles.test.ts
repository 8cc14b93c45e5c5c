/** Files must not import each other in circles, so that each can be understood without the files that import it. Exceptions are listed here. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import ts from 'typescript';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const src = new URL('../../../src/', import.meta.url);

/** Circles that are allowed, as paths in src, each with its reason. */
const ALLOWED: readonly { files: readonly string[]; because: string }[] = [
  { files: ['graph/ir/graph.ts', 'graph/ir/operation.ts'], because: 'a node has an operation, which makes nodes' },
];

/** The files that a file imports; imports of types alone count, because a reader has to follow them too. */
const importsOf = (file: string, text: string): string[] =>
  ts
    .preProcessFile(text, true, true)
    .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => posix.join(posix.dirname(file), fileName).replace(/\.js$/, '.ts'));

/** Groups of files that all import each other, directly or through others: strongly connected components (Tarjan) of at least two files. */
function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string): number => {
    order.set(file, order.size);
    lowest.set(file, order.get(file)!);
    open.push(file);
    for (const next of imports.get(file) ?? []) {
      if (!imports.has(next)) continue;
      const reached = !order.has(next)
        ? visit(next)
        : open.includes(next)
          ? order.get(next)!
          : Number.POSITIVE_INFINITY;
      lowest.set(file, Math.min(lowest.get(file)!, reached));
    }
    if (lowest.get(file) === order.get(file)) {
      const circle = open.splice(open.indexOf(file));
      if (circle.length > 1) circles.push(circle.sort());
    }
    return lowest.get(file)!;
  };
  for (const file of imports.keys()) if (!order.has(file)) visit(file);
  return circles;
}

const files = (readdirSync(src, { recursive: true }) as string[])
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.ts'));
const circles = circlesOf(
  new Map(files.map((file) => [file, importsOf(file, readFileSync(new URL(file, src), 'utf8'))])),
);

test('files import each other in circles only if the circle is on the list of exceptions', () => {
  assert.ok(files.length > 300);
  const others = circles.filter(
    (circle) => !ALLOWED.some((known) => circle.every((file) => known.files.includes(file))),
  );
  assert.equal(others, []);
});

test('each circle on the list of exceptions exists', () => {
  const gone = ALLOWED.filter((known) => !circles.some((circle) => circle.every((file) => known.files.includes(file))));
  assert.equal(gone, []);
});

test('circles are found, also through imports of types and dynamic imports', () => {
  const imports = new Map([
    ['a.ts', importsOf('a.ts', "import type { b } from './b.js';")],
    ['b.ts', importsOf('b.ts', "const c = await import('./in/c.js');")],
    ['in/c.ts', importsOf('in/c.ts', "export { a } from '../a.js';")],
    ['d.ts', importsOf('d.ts', "import './a.js';")],
  ]);
  assert.equal(circlesOf(imports), [['a.ts', 'b.ts', 'in/c.ts']]);
});

test.run();
