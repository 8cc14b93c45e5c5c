/** A test file with a rejection that nobody handles, which must count as a failure. */
import { test } from 'uvu';

test('leaves a rejection that nobody handles', async () => {
  Promise.reject(new Error('a stray rejection'));
  await new Promise((resolve) => setTimeout(resolve));
});
test.run();
