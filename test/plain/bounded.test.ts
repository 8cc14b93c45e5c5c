/** A list whose length comes from a file must not be spread into arguments, because engines allow only some hundred thousand arguments. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { table } from '../../src/cli/terminal.js';
import { bestIou } from '../../src/evaluate/localization.js';
import { boxScore } from '../../src/evaluate/localize.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { maxPool } from '../../src/ops/layers/pool.js';

const MANY = 300_000;
const src = fileURLToPath(new URL('../../../src', import.meta.url));

/** These parts read no files. */
const PARTS = /^(generated|ops|graph|gpu|phantom|overlay|web|vendor)\//;
/** Allowed spreads: values that are short whatever a file contains. */
const SHORT: readonly string[] = [
  '(await runOrSeparate(alone, run, skipBad))', // one image
  'ranks);', // of a factor and a summand
  ...['choice.types', 'rows.map(([name]) => name.length)'], // names of element types, lines of a description
  ...['all.filter(({ operation }) => operation.name === op).map((check) => check.index)', 'numbers'], // cases of an operation
  'group.map((outcome) => outcome.bound || 0)',
  ...[
    'classes.flatMap((score) => classRows(',
    'localization[reading][source].flatMap((score) => localizationRows(group, score))',
  ], // classes
  ...['sharedPatients(table, data, split.test)', 'checkData(data, counts)'], // a line a part, a line a class
  'text.subarray(0, NAMES[0].length)', // as long as a name of ours
  ...['columns.sides', 'significant.subarray(0, isGrey ? 1 : 3)', 'described.map((one) => one.h)'], // four, three, four numbers
  ...['counts)', 'fitted], ', 'steps.map(Math.abs)'], // grey levels, modules of a network, its classes
  ...['components.map(({ id }) => id)', 'bytes.subarray(i, i + 4096)', 'bytes.subarray(at + 4, at + 8)'],
  ...['least))} to ', "assumed.filter((field) => field !== 'channelOrder'))", 'one.warnings.map('], // channels, fields of metadata, warnings
  ...['places.map((place) => place.start)', 'places.map((place) => place.end)'], // words of a phrase
  ...['bytes.subarray(0, text.length)', 'segment.subarray(0, text.length)'], // a signature
  ...['bytes.subarray(8, Math.min(', 'bytes.subarray(at, at + 4))', 'exif.subarray(0, 4))', '[4, 5, 6, 7].map('], // names of four letters, brands
  ...['hash))', 'bytes.map((byte) => Number.parseInt(byte, 16))'], // of at most 64 bytes
  'sums))], source', // one for each threshold to try
  'seen.map(({ heatmaps }) => heatmaps.shape', // one for each member of an ensemble
  ...['down.cells.subarray(y * down.count', 'means))], source'], // the cells that a pixel is interpolated from; thresholds to try
  'part.slice(0, MOST_WEIGHTS)', // of at most 32,768 names
  'unlikely(matched))', // a warning for each kind of what looks wrong
];

/** What is spread into the arguments of a call that takes any number of them. */
const spreads = (text: string): string[] =>
  [
    ...text.matchAll(
      /\b(?:Math\.(?:max|min|hypot)|push|unshift|splice|concat|fromCharCode|fromCodePoint)\((?:[^(){}]*, )?\.\.\.(.*)$/gm,
    ),
  ]
    .map(([, rest]) => rest)
    .filter((rest) => !rest.startsWith('(') || rest.startsWith('(await'));

test('no list from a file is spread into the arguments of a function', () => {
  const files = (readdirSync(src, { recursive: true }) as string[])
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.ts') && !PARTS.test(name) && !name.includes('/vendor/'));
  assert.ok(files.length > 100);
  const found = files.flatMap((name) =>
    spreads(readFileSync(join(src, name), 'utf8'))
      .filter((rest) => !SHORT.some((short) => rest.startsWith(short)))
      .map((rest) => `${name}: ...${rest}`),
  );
  assert.equal(found, [], 'a loop, or a line in SHORT that says why the list is short');
  assert.equal(spreads('lines.push(...names);\nMath.max(0, ...scores)').length, 2);
});

test('files with very many tables, findings and boxes can be read', () => {
  const box = { x: 0, y: 0, width: 2, height: 2 };
  const findings = Array.from({ length: MANY }, (_, i) => ({ label: i % 2 ? 'Mass' : 'Nodule', score: i / MANY, box }));
  assert.is(boxScore(findings, 'Mass'), (MANY - 1) / MANY);
  assert.is(boxScore(findings, 'Nodule'), (MANY - 2) / MANY);
  assert.is(boxScore(findings, 'Hernia'), 0);
  assert.is(boxScore([{ label: 'Mass', score: -3, box }], 'Mass'), -3); // a logit
  assert.is(bestIou({ x: 1, y: 0, width: 2, height: 2 }, findings), 1 / 3);
  assert.is(bestIou(box, []), 0);
  const lines = table(Array.from({ length: MANY }, (_, i) => ['name', i])).split('\n');
  assert.is(lines.length, MANY + 1);
  assert.is(lines[7], 'name       7');
  assert.is(table([['a', 'bb'], ['ccc']]), 'a    bb\nccc\n');
});

test('pooling windows without a single pixel are found, for any number of windows', () => {
  const pools = (size: number, kernel: number, stride: number, dilation: number, padding: number): boolean => {
    const g = createGraph();
    try {
      maxPool(g, g.input('x', [1, 1, size, 1]), {
        ...{ kernel: [1, kernel], stride: [1, stride], dilation: [1, dilation], padding: [0, padding, 0, padding] },
      });
      return true;
    } catch (error) {
      assert.match((error as Error).message, /without a single input pixel/);
      return false;
    }
  };
  let meeting = 0;
  const sizes = [1, 2, 3, 4, 5];
  for (const size of sizes)
    for (const kernel of sizes)
      for (const stride of sizes)
        for (const dilation of [...sizes, 6, 7])
          for (let padding = 0; padding < 9; padding++) {
            const count = Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
            const isInside = (at: number) => at >= 0 && at < size;
            const taps = (o: number) => Array.from({ length: kernel }, (_, k) => o * stride - padding + k * dilation);
            const expected =
              count >= 1 && Array.from({ length: count }, (_, o) => taps(o)).every((o) => o.some(isInside));
            assert.is(
              pools(size, kernel, stride, dilation, padding),
              expected,
              `${[size, kernel, stride, dilation, padding]}`,
            );
            if (expected) meeting++;
          }
  assert.ok(meeting > 500);
  assert.is(pools(2 ** 30, 2, 1, 1, 0), true);
  assert.is(pools(2 ** 30, 2 ** 30, 1, 1, 2 ** 29), true);
  assert.is(pools(8, 2, 1, 1, 2 ** 40), false);
});

test.run();
