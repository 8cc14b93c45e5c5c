/** A short run of the fuzzers, and a test that they find faults. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createDice, MAX_MUTANT_BYTES, mutant } from '../../bench/robustness/fuzz/mutate.js';
import { PARSERS } from '../../bench/robustness/fuzz/parsers.js';
import { fuzz } from '../../bench/robustness/fuzz/run.js';
import { InputError } from '../../src/errors.js';

const MUTANTS = 50;
/**
 * Each fault ends a process, and most are tried again in another process. With this seed, a few mutants are enough to meet all faults, with
 * other mutants after them.
 */
const FAULTY = { seed: 36, mutants: 24 };
const broken = new URL('../support/broken/parsers.js', import.meta.url).href;

for (const parser of PARSERS) {
  test(`${parser.name}: good inputs are read, mutants give a value or an InputError`, async () => {
    const seeds = await parser.seeds();
    assert.ok(seeds.length > 0);
    for (let index = 0; index < MUTANTS; index++) {
      const bytes = mutant({ ...parser, seeds }, 1, index);
      assert.ok(bytes.length <= MAX_MUTANT_BYTES);
      try {
        await parser.parse(bytes.slice());
      } catch (error) {
        if (!(error instanceof InputError))
          throw new Error(`npm run fuzz -- --parser ${parser.name} --only ${index}`, { cause: error });
        assert.ok(index >= seeds.length, `seed ${index} is refused: ${error.message}`);
        assert.ok(error.message.length < 4000, `a message of ${error.message.length} characters`);
      }
    }
  });

  test(`${parser.name}: every mutator makes other inputs, the same for the same seed`, async () => {
    const seeds = await parser.seeds();
    for (const change of [...parser.structured, ...parser.amplifiers]) {
      const made = [0, 1, 2, 3, 4, 5].map((i) => change(seeds[0].slice(), createDice(`${i}`), seeds));
      assert.ok(
        made.some((bytes) => Buffer.compare(bytes, seeds[0]) !== 0),
        'a mutator changes nothing',
      );
      assert.equal(change(seeds[0].slice(), createDice('3'), seeds), made[3]);
    }
    const source = { ...parser, seeds };
    for (const index of [seeds.length, 50]) assert.equal(mutant(source, 7, index), mutant(source, 7, index));
    const differing = [40, 41, 42, 43, 44].filter(
      (index) => Buffer.compare(mutant(source, 7, index), mutant(source, 8, index)) !== 0,
    );
    assert.ok(differing.length > 0);
  });
}

test('the fuzzer reports every kind of fault once, and continues after it', async () => {
  const run = (parser: string, limit = 10) => fuzz({ parser, parsers: broken, ...FAULTY, limit });
  const sound = await run('sound');
  assert.equal([sound.mutants, sound.failures], [FAULTY.mutants, []]);
  assert.is(sound.values + sound.refused, FAULTY.mutants);
  for (const [parser, kind, message] of [
    ['throws', 'threw', /TypeError.*undefined/],
    ['overflows', 'threw', /RangeError: Maximum call stack/],
    ['hangs', 'hang', /was stopped/],
    ['never settles', 'crash', /exit 13/],
    ['rejects late', 'left behind', /Error: late/],
    ['exits', 'crash', /exit 3/],
    ['fills other memory', 'memory', /4\d\d MiB for 1 bytes, bound 128 MiB/],
    ['fills the heap', 'memory', /MiB for 1 bytes, bound 128 MiB/],
    ['mutator throws', 'no input', /of the mutator/],
    ['does not start', 'crash', /before the first mutant: .*no inputs/],
    ['refuses good inputs', 'seed refused', /refused/],
  ] as const) {
    const result = await run(parser, kind === 'hang' ? 0.1 : undefined);
    const found = result.failures.find((failure) => failure.kind === kind);
    assert.ok(found, `${parser}: ${JSON.stringify(result.failures)}`);
    assert.match(found.message, message);
    // The mutants after a fault are tried too.
    if (parser === 'does not start') assert.is(result.mutants, 0);
    else if (parser === 'mutator throws')
      assert.ok(result.mutants > 4 && result.mutants < FAULTY.mutants, `${result.mutants}`);
    else assert.is(result.mutants, FAULTY.mutants, parser);
  }
});

test.run();
