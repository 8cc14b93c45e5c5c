/** Small files of many kinds in `raybox evaluate`: each gives the score of the plain file with warnings, or an error that names the fault. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import pngjs from 'pngjs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addEvaluateCommand } from '../../src/cli/evaluate/evaluate.js';
import { UsageError } from '../../src/cli/terminal.js';
import { InputError } from '../../src/errors.js';
import { DATA, type Files, IMAGES, PLAIN, SCORE_CASES, type ScoreCase, SIZE } from '../support/score_cases.js';

const folder = mkdtempSync(join(tmpdir(), 'raybox-scores-'));
mkdirSync(join(folder, 'images'));
const picture = pngjs.PNG.sync.write(new pngjs.PNG({ width: SIZE, height: SIZE }));
for (const image of IMAGES) writeFileSync(join(folder, 'images', image), picture);
test.after(() => rmSync(folder, { recursive: true }));

interface Outcome {
  meanAuc?: number;
  notes: string[];
  refusal?: string;
}

/** The command's result for the files: its score and warnings, or its error. */
async function outcomeOf({ files, args = [] }: Pick<ScoreCase, 'files' | 'args'>): Promise<Outcome> {
  for (const [name, content] of Object.entries({ ...DATA, ...files })) writeFileSync(join(folder, name), content);
  const given = args.map((arg) => (Object.hasOwn(files, arg) ? join(folder, arg) : arg));
  const predictions = Object.keys(files).find((name) => name.startsWith('p.')) as string;
  const program = new Command('raybox').exitOverride();
  addEvaluateCommand(program);
  const out = join(folder, 'out');
  const write = process.stdout.write;
  process.stdout.write = (() => true) as typeof write;
  try {
    await program.parseAsync(
      [
        ...['evaluate', '--data', folder, '--out', out, '--no-html', '--bootstrap', '0'],
        ...(given.includes('--classes') ? [] : ['--classes', 'Mass,Nodule']),
        ...(given.includes('--predictions') ? [] : ['--predictions', join(folder, predictions)]),
        ...given,
      ],
      { from: 'user' },
    );
  } catch (error) {
    assert.ok(error instanceof InputError || error instanceof UsageError, (error as Error).stack);
    return { notes: [], refusal: (error as Error).message };
  } finally {
    process.stdout.write = write;
  }
  const { meanAuc, warnings } = JSON.parse(readFileSync(join(out, 'evaluation.json'), 'utf8'));
  return { meanAuc, notes: (warnings as { message: string }[]).map(({ message }) => message) };
}

const plain = await outcomeOf({ files: PLAIN as Files });

/** Why an outcome is wrong; undefined if it is right. */
function faultOf(wanted: ScoreCase, { meanAuc, notes, refusal }: Outcome): string | undefined {
  if (wanted.refused) {
    if (refusal === undefined) return `scored, with ${JSON.stringify(notes)}; to be refused with ${wanted.refused}`;
    return wanted.refused.test(refusal) ? undefined : `refused with "${refusal}", not with ${wanted.refused}`;
  }
  if (refusal !== undefined) return `refused: ${refusal}`;
  if (!wanted.differs && meanAuc !== plain.meanAuc) return `mean AUC ${meanAuc} in place of ${plain.meanAuc}`;
  const unsaid = wanted.says?.find((each) => !notes.some((note) => each.test(note)));
  if (unsaid) return `${unsaid} is not said, but ${JSON.stringify(notes)}`;
  return wanted.silent && notes.length > 0 ? `said ${JSON.stringify(notes)}` : undefined;
}

test('each file gives the scores of the plain one, with warnings about what is unusual, or is refused by name', async () => {
  const faults: string[] = [];
  for (const each of SCORE_CASES) {
    const fault = faultOf(each, await outcomeOf(each));
    for (const name of Object.keys(each.files)) rmSync(join(folder, name));
    if (fault !== undefined) faults.push(`${each.name}: ${fault}`);
  }
  assert.is(faults.length, 0, `${faults.length} of ${SCORE_CASES.length}\n${faults.join('\n')}`);
});

test.run();
