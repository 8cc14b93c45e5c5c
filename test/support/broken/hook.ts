import { test } from 'uvu';

test.before(() => {
  throw new Error('uvu hides this error');
});
test('never runs', () => {});
test.run();
