/** The scorer of `bench/studies/mining.ts` on a few made-up reports, worked out by hand. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Case, crossValidate, foldOf, learn, score } from '../../bench/studies/mining.js';

const cases = (rows: [text: string, ...gold: string[]][]): Case[] =>
  rows.map(([text, ...gold], at) => ({ id: `r${at}`, text, gold: new Set(gold), fold: at % 5 }));

test('precision, recall and F1 per label and in total', () => {
  // Effusion: r0 right, r1 invented, r2 missed. Normal: r3 right.
  const rows = score(
    cases([
      ['', 'Effusion'],
      ['', 'Nodule'],
      ['', 'Effusion'],
      ['', 'Normal'],
    ]),
    new Map([
      ['r0', new Set(['Effusion'])],
      ['r1', new Set(['Effusion', 'Nodule'])],
      ['r2', new Set<string>()],
      ['r3', new Set(['Normal'])],
    ]),
    200,
  );
  const row = (label: string) => rows.find((one) => one.label === label)!;
  assert.equal(row('Effusion').counts, [1, 1, 1]);
  assert.equal([row('Effusion').precision, row('Effusion').recall, row('Effusion').f1], [0.5, 0.5, 0.5]);
  // Total: 3 right (Effusion, Nodule, Normal), 1 invented, 1 missed.
  assert.equal(row('Total').counts, [3, 1, 1]);
  assert.is(row('Total').f1, 0.75);
  const [low, high] = row('Total').interval;
  assert.ok(low < 0.75 && high > 0.75 && high <= 1);
});

test('the likelihood of a cue is the share of its reports that were coded as present, with half a count added to each side', () => {
  const likelihoods = learn(
    cases([
      ['Possible nodule.', 'Nodule'],
      ['Possible mass.'],
      ['Possible nodule. Nodule.'], // stated elsewhere, so it says nothing about the cue
      ['No nodule.'],
    ]),
  );
  assert.is(likelihoods.possible, 0.5);
  assert.is(likelihoods.probable, 0);
});

test('likelihoods for a fold are learned from the other folds', () => {
  const rows = cases(
    Array.from({ length: 10 }, (_, at) => (at % 5 === 0 ? ['Possible nodule.'] : ['Possible nodule.', 'Nodule'])),
  );
  const predictions = crossValidate(rows);
  assert.ok(predictions.get('r0')!.has('Nodule'), 'as the other folds say, against its own');
  assert.ok(predictions.get('r1')!.has('Nodule'));
});

test('the fold of a report depends only on its name', () => {
  assert.is(foldOf('CXR1'), foldOf('CXR1'));
  const counts = [0, 0, 0, 0, 0];
  for (let at = 0; at < 1000; at++) counts[foldOf(`name${at}`)]++;
  assert.ok(Math.min(...counts) > 120, counts.join());
});

test.run();
