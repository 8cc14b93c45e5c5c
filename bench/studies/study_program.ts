/** How the programs of studies begin and end. */
import { fileURLToPath } from 'node:url';
import { type Command, CommanderError } from 'commander';
import { interruptible, print } from '../../src/cli/terminal.js';

/** The exit code, as on the command line: 130 if interrupted, 2 for wrong usage, 1 for anything else. */
export const exitCodeOf = (error: unknown): number => ({ Interrupted: 130, UsageError: 2 })[(error as Error).name] ?? 1;

/**
 * Runs a study with the options of the command line, prints what it returns, and ends the process.
 * @param url of the program's file. If that was only imported, nothing is done.
 * @param study is interrupted by the signal, and returns its table
 */
export async function runStudy<Options extends object>(
  url: string,
  program: Command,
  study: (options: Options, signal: AbortSignal) => Promise<string>,
): Promise<void> {
  if (process.argv[1] !== fileURLToPath(url)) return;
  try {
    const options = program.exitOverride().parse().opts<Options>();
    await print(await interruptible((signal) => study(options, signal)));
    process.exit(0);
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2); // its message has been printed
    console.error((error as Error).message);
    process.exit(exitCodeOf(error));
  }
}
