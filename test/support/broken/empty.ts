import { test } from 'uvu';

test('never runs, because nobody says test.run()', () => {});
