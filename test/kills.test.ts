/** A short run of the kill trials in bench/robustness: what goes on after kill -9 ends as if it had never been killed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeSubjects } from '../bench/robustness/kill_subjects.js';
import { killTrials } from '../bench/robustness/kill_trials.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-kills-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const subjects = await makeSubjects(join(folder, 'inputs'));

// Each run starts the engine anew, which takes seconds on a software adapter: `npm run kills` tries all outputs, and many kills.
for (const name of ['localize, coco.json', 'train']) {
  test(`${name}: killed at random moments, and gone on with`, async () => {
    const subject = subjects.find((one) => one.name === name);
    assert.ok(subject, 'there is such a subject');
    const { kills, compared, failures } = await killTrials(subject, { folder, count: 1, seed: 11 });
    assert.equal(failures, []);
    assert.is(kills, 1);
    assert.ok(compared >= 1);
  });
}

test('a difference is found', async () => {
  // Every run but the first cuts heatmaps elsewhere.
  const [subject] = subjects;
  let turn = 0;
  const command = (at: string) => [...subject.command(at), ...(turn++ === 0 ? [] : ['--heat-thresholds', '100'])];
  const { failures } = await killTrials({ ...subject, command }, { folder, count: 1, seed: 5 });
  assert.ok(failures.length >= 1);
  for (const failure of failures) assert.match(failure, /results\.jsonl is another$/);
});

test.run();
