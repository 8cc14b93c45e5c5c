/** A test file whose hook throws. uvu does not report this error, but it must count as a failure. */
import { test } from 'uvu';

test.before(() => {
  throw new Error('uvu hides this error');
});
test('never runs', () => {});
test.run();
