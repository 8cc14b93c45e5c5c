/** Proves that errors say what was expected and given, and what to do. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError, KernelError } from '../../src/errors.js';
import { checkOptions, nearestOf } from '../../src/options.js';

test('an error says what was expected, what was given and what to do', () => {
  const error = new InputError('image: wrong size', { expected: '64 × 64', given: '0 × 64', hint: 'check the file' });
  assert.is(error.message, 'image: wrong size; expected 64 × 64; given 0 × 64; check the file');
  assert.is(error.name, 'InputError');
  assert.ok(error instanceof Error);
  assert.not.ok((error as Error) instanceof KernelError);
});

test('an unknown option is refused by name, with the option that was probably meant', () => {
  const known = { precision: ['f32', 'f16'], adapter: 'a text', onProgress: 'a function' } as const;
  checkOptions('load', undefined, known);
  checkOptions('load', { precision: 'f16', adapter: undefined }, known);
  const message = (options: unknown) => {
    try {
      checkOptions('load', options, known);
    } catch (error) {
      assert.instance(error, InputError);
      return (error as Error).message;
    }
  };
  assert.match(message({ precison: 'f16' })!, /^load has no option precison; .* did you mean precision\?$/);
  assert.match(message({ onprogress: 1 })!, /did you mean onProgress\?$/);
  assert.is(message({ colour: 1 }), 'load has no option colour; expected precision, adapter, onProgress');
  assert.match(message('f16')!, /the options are not an object/);
  assert.match(message({ constructor: 1 })!, /no option constructor/);
  assert.is(nearestOf('x'.repeat(1e6), Object.keys(known)), undefined);
});

test.run();
