/** A test file that needs a Node module, so it must fail in a page. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';

test('reads a file, which a page cannot', () => void readFileSync('package.json'));
test.run();
