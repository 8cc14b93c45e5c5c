/** `raybox localize`: image files → probabilities, boxes and overlays. */

import { READ_FORMATS } from '../../formats/signature.js';
import {
  besideKnown,
  changedSince,
  findImageFiles,
  goneNamesakes,
  type ImageFile,
  modifiedMs,
} from '../../node/images/image_files.js';
import { type Lock, lockFolder } from '../../node/lock.js';
import type { Command } from '../../node/vendor/commander.js';
import { packageFacts } from '../package_facts.js';
import { weightsForPatients } from '../packaged_weights.js';
import { duration, interruptible, say } from '../terminal.js';
import { decidingOptions, notesOn, refuseOthers } from './made_by.js';
import { addLocalizeOptions, type Options } from './options.js';
import { drawnBefore, overlayPaths } from './overlays.js';
import { checkWeights, localizeTasks } from './record.js';
import { openResults, standardOutput } from './result_files.js';
import { partOf } from './result_tables.js';

/** Adds `raybox localize`. The exit code is 1 if an image could not be localized. */
export function addLocalizeCommand(program: Command): void {
  const command = program
    .command('localize')
    .description('X-rays → probabilities, boxes and overlays')
    .argument('<images...>', `${READ_FORMATS} files, folders (with all folders in them), patterns`);
  addLocalizeOptions(command).action(async (images: string[], options: Options) => {
    if (!(await interruptible((signal) => localizeFiles(images, options, signal)))) process.exitCode = 1;
  });
}

async function localizeFiles(args: readonly string[], options: Options, signal: AbortSignal): Promise<boolean> {
  const started = performance.now();
  const weights = options.weights ?? weightsForPatients();
  if (options.weights === undefined) say(`Weights: ${weights}`);
  let failed = 0;
  const files = await findImageFiles(args, (path, message) => {
    failed += 1;
    say(`raybox: ${path}: ${message}`);
  });
  const made = { raybox: packageFacts().version, options: await decidingOptions(options) };
  const written = options.out ? Math.max(modifiedMs(options.out), modifiedMs(partOf(options.out))) : 0;
  const results = options.out ? await openResults(options.out, files) : standardOutput;
  let overlays: Lock | undefined;
  let finished = false;
  try {
    refuseOthers(options.out, results, made);
    const tasks = overlayPaths(besideKnown(files, results.files), options.overlay);
    overlays = options.overlay ? await lockFolder(options.overlay) : undefined;
    const isDrawn = drawnBefore(results, made, options.allBoxes);
    const todo = tasks.filter((task) => !results.has(task) || !isDrawn(task.overlay));
    const gone = goneNamesakes(todo, results.files);
    if (gone.length > 0) {
      say(
        `raybox: ${options.out} has results of ${gone[0]}${gone.length > 1 ? ` and ${gone.length - 1} more` : ''}. There is no such file, seen from this folder, but another image of the same name is to be localized now. If raybox was started in another folder the first time, stop it and start it there.`,
      );
    }
    sayChanged(tasks, todo, written, options.out);
    if (todo.length === 0) await checkWeights(results, { ...options, weights }, made, signal);
    for (const note of notesOn(options.out, results, made)) say(note);
    if (todo.length < tasks.length) say(`${tasks.length - todo.length} of ${tasks.length} images are done already.`);
    if (todo.length > 0) failed += await localizeTasks(todo, results, { ...options, weights }, made, signal);
    const note = await results.finish();
    finished = true;
    if (note) say(note);
    const took = duration(performance.now() - started);
    const told = failed > 0 ? `, ${failed} could not be read` : '';
    say(
      `${todo.length} ${todo.length === 1 ? 'image' : 'images'} in ${took}${told}${options.out ? `; results in ${options.out}` : ''}.`,
    );
    return failed === 0;
  } finally {
    await overlays?.release();
    if (!finished) await results.suspend();
  }
}

/** Says which images have results already, but were changed after these were written. Results do not tell what image they are of, but its path. */
function sayChanged(tasks: readonly ImageFile[], todo: readonly ImageFile[], written: number, out = ''): void {
  const open = new Set(todo);
  const changed = changedSince(
    tasks.filter((task) => !open.has(task)),
    written,
  );
  if (changed.length === 0) return;
  const [{ path }] = changed;
  const more = changed.length > 1 ? ` and ${changed.length - 1} more` : '';
  say(
    `raybox: ${path}${more} changed after ${out} was written, which keeps the results of before. If it is another image now, name another file for the results, or move this one away.`,
  );
}
