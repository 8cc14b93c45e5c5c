#!/usr/bin/env node
/**
 * The command `raybox`. Exit codes: 0 done, or the reader of stdout has seen enough; 1 something failed, or some files did; 2 wrong
 * usage; 130 interrupted. Results go to stdout, everything else to stderr. Only the command that is asked for is loaded.
 */
import { Command, CommanderError } from '../node/vendor/commander.js';
import { packageFacts } from './package_facts.js';
import { print, refuseAsOption } from './terminal.js';

interface Entry {
  summary: string;
  /** The option by which other commands take what this one takes as an argument. */
  argument?: '--weights' | '--data';
  add(program: Command): Promise<void>;
}

const COMMANDS: Record<string, Entry> = {
  localize: {
    summary: 'X-rays → probabilities, boxes and overlays',
    add: async (program) => (await import('./localize/localize.js')).addLocalizeCommand(program),
  },
  demo: {
    summary: 'draw a phantom, localize it, write an overlay',
    add: async (program) => (await import('./demo.js')).addDemoCommand(program),
  },
  info: {
    summary: "this machine's adapters, and the kernels that would run",
    add: async (program) => (await import('./info.js')).addInfoCommand(program),
  },
  verify: {
    summary: 'every kernel against its float64 reference, on this machine',
    add: async (program) => (await import('./verify/verify.js')).addVerifyCommand(program),
  },
  tune: {
    summary: 'measures which kernels are fastest here, and keeps that',
    argument: '--weights',
    add: async (program) => (await import('./tune.js')).addTuneCommand(program),
  },
  inspect: {
    summary: 'what a weights file holds, and what running it takes',
    argument: '--weights',
    add: async (program) => (await import('./inspect.js')).addInspectCommand(program),
  },
  convert: {
    summary: 'weights as safetensors that say all about their network',
    argument: '--weights',
    add: async (program) => (await import('./convert.js')).addConvertCommand(program),
  },
  quantize: {
    summary: 'weights as 8-bit integers, and what that changes',
    argument: '--weights',
    add: async (program) => (await import('./quantize/quantize.js')).addQuantizeCommand(program),
  },
  ensemble: {
    summary: 'several localizers as one',
    argument: '--weights',
    add: async (program) => (await import('./ensemble.js')).addEnsembleCommand(program),
  },
  export: {
    summary: 'weights as an ONNX model, for other runtimes',
    argument: '--weights',
    add: async (program) => (await import('./export.js')).addExportCommand(program),
  },
  train: {
    summary: 'labels → a localizer',
    add: async (program) => (await import('./train/train.js')).addTrainCommand(program),
  },
  reproduce: {
    summary: 'the whole paper on phantoms: draw, mine, train, evaluate',
    add: async (program) => (await import('./reproduce.js')).addReproduceCommand(program),
  },
  evaluate: {
    summary: 'score predictions against a data set',
    add: async (program) => (await import('./evaluate/evaluate.js')).addEvaluateCommand(program),
  },
  mine: {
    summary: 'radiology reports → disease labels',
    add: async (program) => (await import('./mine/mine.js')).addMineCommand(program),
  },
  phantom: {
    summary: 'draw a data set of synthetic chest X-rays',
    add: async (program) => (await import('./phantom/phantom.js')).addPhantomCommand(program),
  },
  check: {
    summary: 'check a data set in the ChestX-ray8/14 layout',
    argument: '--data',
    add: async (program) => (await import('./dataset_check.js')).addCheckCommand(program),
  },
};

async function main(args: string[]): Promise<void> {
  const { version, description } = packageFacts();
  let help = '';
  const program = new Command('raybox')
    .description(description)
    .version(version, '-V, --version')
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'raybox: ')),
      writeOut: (text) => {
        help += text;
      },
    })
    .exitOverride();
  const words = args.filter((arg) => !arg.startsWith('-'));
  const wanted = words[0] === 'help' ? words[1] : words[0];
  for (const [name, { summary, add, argument }] of Object.entries(COMMANDS)) {
    if (name === wanted) {
      await add(program);
      if (argument) refuseAsOption(program.commands.at(-1)!, argument);
    } else program.command(name).description(summary);
  }
  if (args.length === 0) return print(program.helpInformation());
  try {
    await program.parseAsync(args, { from: 'user' });
  } finally {
    if (help !== '') await print(help);
  }
}

/** An error as one line of text, or with its stack if the variable DEBUG is set. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (process.env.DEBUG) return error.stack ?? error.message;
  return error.message.replace(/\s*\n\s*/g, ' | ');
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const codes: Record<string, number> = { UsageError: 2, Interrupted: 130, ReaderLeft: 0 };
  return codes[error instanceof Error ? error.name : ''] ?? 1;
}

// `print` reports what cannot be written to stdout. If nothing can be written to stderr, the command continues without it.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = exitCodeOf(error);
  // commander has printed its own errors. If the reader of stdout has closed it, nothing has to be said.
  if (!(error instanceof CommanderError || (error as Error)?.name === 'ReaderLeft'))
    process.stderr.write(`raybox: ${explain(error)}\n`);
}
