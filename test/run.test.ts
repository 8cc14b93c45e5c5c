import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readOutcome } from './run.js';

const closing = (total: number, passed: number) => `  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   0\n`;

test('a file in which no test ran has failed', () => {
  assert.is(readOutcome('empty', '', 0).failed, 1);
  assert.is(readOutcome('empty', closing(0, 0), 0).failed, 1);
});

test('a crash after passing tests is a failure', () => {
  assert.is(readOutcome('crashed', closing(3, 3), 1).failed, 1);
});

test('passing and failing tests are counted', () => {
  assert.equal(readOutcome('good', closing(3, 3), 0), { name: 'good', passed: 3, failed: 0, skipped: 0 });
  assert.is(readOutcome('bad', closing(3, 1), 1).failed, 2);
});

test.run();
