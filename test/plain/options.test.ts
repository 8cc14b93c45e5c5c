/** The tables of options on the pages have exactly the options of the functions. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { KNOWN_OPTIONS } from '../../src/localizer/load_options.js';
import { nearestOf } from '../../src/options.js';

const read = (page: string) => readFileSync(new URL(`../../../${page}`, import.meta.url), 'utf8');
const page = read('src/localizer/README.md');

/** Rows of the tables whose first heading is `heading`: the names in the first cell, and the second cell. */
function rowsOf(text: string, heading: string): { names: string[]; second: string }[] {
  const rows: { names: string[]; second: string }[] = [];
  for (const table of text.split('\n\n').filter((part) => part.startsWith(`| ${heading} |`))) {
    for (const line of table.trim().split('\n').slice(2)) {
      const [, first, second] = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
      rows.push({ names: [...first.matchAll(/`(\w+)`/g)].map(([, name]) => name), second });
    }
  }
  return rows;
}

const sorted = (names: readonly string[]) => [...names].sort();

test('the page of the Localizer lists every option of load', () => {
  const listed = rowsOf(page, 'option of `load`').flatMap(({ names }) => names);
  assert.equal(sorted(listed), sorted(KNOWN_OPTIONS.load));
});

for (const call of ['localize', 'localizeAll', 'classify'] as const) {
  test(`the page of the Localizer lists every option of ${call}`, () => {
    const rows = rowsOf(page, 'option').filter(({ second }) => second === 'all' || second.includes(`\`${call}\``));
    const listed = rows.flatMap(({ names }) => names);
    assert.equal(sorted(listed), sorted(KNOWN_OPTIONS[call]));
  });
}

test('the README lists the options of localize', () => {
  const listed = rowsOf(read('README.md'), 'option of `localize`').flatMap(({ names }) => names);
  assert.equal(sorted(listed), sorted(KNOWN_OPTIONS.localize));
});

test('a misspelt word is distinguished from another word', () => {
  const slips = {
    precison: 'precision',
    cahce: 'cache',
    Cache: 'cache',
    singal: 'signal',
    classs: 'classes',
    inputWdith: 'inputWidth',
  };
  for (const [slip, meant] of Object.entries(slips)) assert.is(nearestOf(slip, KNOWN_OPTIONS.load), meant, slip);
  for (const other of ['colour', 'c', '', 'ehcac', 'x'.repeat(100)])
    assert.is(nearestOf(other, KNOWN_OPTIONS.load), undefined, other);
});

test.run();
