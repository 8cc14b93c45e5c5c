/** A test file with one test that passes and one that fails. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';

test('good', () => assert.ok(true));
test('bad', () => assert.equal([1, 2], [1, 3], 'these differ'));
test.run();
