import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError, KernelError } from '../src/errors.js';

test('an error says what was expected, what was given and what to do', () => {
  const error = new InputError('image: wrong size', { expected: '64 × 64', given: '0 × 64', hint: 'check the file' });
  assert.is(error.message, 'image: wrong size; expected 64 × 64; given 0 × 64; check the file');
  assert.is(error.name, 'InputError');
  assert.ok(error instanceof Error);
  assert.not.ok((error as Error) instanceof KernelError);
});

test.run();
