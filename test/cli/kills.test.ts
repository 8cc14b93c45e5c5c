/**
 * A short run of the kill trials in bench/robustness: a run that continues after kill -9 ends with the same files as one that was not
 * killed.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeSubjects } from '../../bench/robustness/kill_subjects.js';
import { killTrials } from '../../bench/robustness/kill_trials.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-kills-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const subjects = await makeSubjects(join(folder, 'inputs'));

// Each run starts the engine again, which takes seconds on a software adapter. `npm run kills` tries all outputs, training, and many kills.
// train_run.test.ts has a training run that is killed and continued.
test('localize: killed at a random moment, then continued', async () => {
  const subject = subjects.find(({ name }) => name === 'localize, coco.json');
  assert.ok(subject, 'there is such a subject');
  const { kills, compared, failures } = await killTrials(subject, { folder, count: 1, seed: 11 });
  assert.equal(failures, []);
  assert.is(kills, 1);
  assert.ok(compared >= 1);
});

test('a difference between two results is found', async () => {
  // Every run except the first writes a different table.
  const report = join(folder, 'report.txt');
  writeFileSync(report, 'FINDINGS: Small left effusion.');
  let turn = 0;
  const command = (at: string) => {
    const format = turn++ === 0 ? 'data-entry' : 'wide';
    return ['mine', report, '--out', join(at, 'labels.csv'), '--format', format];
  };
  const { failures } = await killTrials({ name: 'mine', command }, { folder, count: 1, seed: 5 });
  assert.is(failures.length, 1);
  assert.match(failures[0], /labels\.csv is another$/);
});

test.run();
