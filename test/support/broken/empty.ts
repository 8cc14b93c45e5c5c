/** A test file whose tests never run, which must count as failed. */
import { test } from 'uvu';

test('never runs, because nobody says test.run()', () => {});
