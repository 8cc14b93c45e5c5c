/** `raybox verify`: runs all cases of all operations on an adapter of this machine, and prints how much the results differ from float64. */

import { DeviceLostError, GpuUnavailableError } from '../../errors.js';
import { describe, openGpu } from '../../gpu/device.js';
import { type Command, Option } from '../../node/vendor/commander.js';
import { type Check, type CheckResult, listChecks, runCheck } from '../../verify/check.js';
import { adapterOption } from '../adapter_option.js';
import { duration, interruptible, print, say, startProgress, table, UsageError, wholeNumber } from '../terminal.js';
import { addWeightsOptions } from '../weights_options.js';
import { type OnnxTestsOptions, verifyOnnxTests } from './onnx_tests.js';
import { type ReferenceOptions, verifyReference } from './reference.js';

interface Options {
  op?: string;
  case?: number;
  full?: boolean;
  adapter?: string;
}

interface Outcome extends CheckResult {
  check: Check;
}

async function verify(options: Options, signal: AbortSignal): Promise<boolean> {
  if (options.case !== undefined && !options.op)
    throw new UsageError('--case is a case of an operation: give --op too');
  const gpu = await openGpu({ ...(options.adapter ? { adapter: options.adapter } : {}) });
  try {
    const { op: operation, case: index, full } = options;
    const checks = listChecks(gpu, {
      full,
      ...(operation ? { operation } : {}),
      ...(index === undefined ? {} : { index }),
    });
    if (checks.length === 0) throw noSuchCase(listChecks(gpu, { full: true }), options);
    say(`${checks.length} checks on ${describe(gpu.info)}`);
    const started = performance.now();
    const progress = startProgress('verifying', checks.length, 'checks');
    const outcomes: Outcome[] = [];
    try {
      for (const check of checks) {
        signal.throwIfAborted();
        const outcome = { ...(await attempt(check, () => runCheck(gpu, check))), check };
        outcomes.push(outcome);
        if (outcome.failure)
          progress.note(`FAIL ${outcome.label}: ${outcome.failure}\n     ${rerun(outcome, options)}`);
        progress.update(outcomes.length);
      }
    } finally {
      progress.stop();
    }
    await print(summarize(outcomes));
    const failed = outcomes.filter(({ failure }) => failure).length;
    const took = duration(performance.now() - started);
    say(failed === 0 ? `All ${checks.length} passed in ${took}.` : `${failed} of ${checks.length} failed, in ${took}.`);
    return failed === 0;
  } finally {
    gpu.close();
  }
}

/** Runs a case. If the kernel throws, the case has failed. If the device is lost, the error is thrown again and ends the command. */
async function attempt(check: Check, run: () => Promise<CheckResult>): Promise<CheckResult> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof DeviceLostError || error instanceof GpuUnavailableError) throw error;
    return { label: check.label, nmse: Number.NaN, bound: Number.NaN, failure: (error as Error).message };
  }
}

/** The command line that runs only this case, on the same adapter. */
function rerun({ check }: Outcome, { adapter = process.env.RAYBOX_ADAPTER }: Options): string {
  const choice = adapter ? ` --adapter ${adapter}` : '';
  return `raybox verify --op ${check.operation.name} --case ${check.index}${choice}`;
}

function noSuchCase(all: readonly Check[], { op, case: index }: Options): UsageError {
  const names = [...new Set(all.map(({ operation }) => operation.name))];
  if (!op || !names.includes(op)) return new UsageError(`there is no operation ${op}; there are ${names.join(', ')}`);
  const last = Math.max(...all.filter(({ operation }) => operation.name === op).map((check) => check.index));
  return new UsageError(`${op} has no case ${index}; cases are 0 to ${last}`);
}

/** A table with the worst case of each operation, element type and variant. */
function summarize(outcomes: readonly Outcome[]): string {
  const groups = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const { operation, type, variant } = outcome.check;
    const key = [operation.name, type, variant ?? 'default'].join('\t');
    groups.set(key, [...(groups.get(key) ?? []), outcome]);
  }
  const rows = [...groups].map(([key, group]) => {
    const failed = group.filter(({ failure }) => failure).length;
    const numbers = group.map(({ nmse }) => nmse);
    const worst = numbers.some(Number.isNaN) ? 'NaN' : exponential(Math.max(...numbers));
    const bound = exponential(Math.max(...group.map((outcome) => outcome.bound || 0)));
    return [...key.split('\t'), group.length, worst, bound, failed === 0 ? 'ok' : `${failed} FAILED`];
  });
  return table([['operation', 'type', 'variant', 'cases', 'worst NMSE', 'bound', ''], ...rows]);
}

const exponential = (value: number) => (value === 0 ? 'exact' : value.toExponential(1));

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value < 1) return value;
  throw new UsageError(`--tolerance is a number between 0 and 1, not ${text}`);
}

/** Adds `raybox verify`. The exit code is 1 if a case fails. */
export function addVerifyCommand(program: Command): void {
  const command = program
    .command('verify')
    .description(
      'every kernel against its float64 reference, on this machine; a network against a recording; tests of ONNX',
    )
    .option('--op <name>', 'only this operation')
    .option('--case <n>', 'only this case of --op, counted from 0', wholeNumber(0, 1_000_000))
    .option('--full', 'also the large cases: the networks’ real shapes')
    .option('--weights <file>', 'with --reference: compare this network, layer by layer, with a recording of it')
    .option('--reference <file>', 'recorded activations by name, with the input: .npz or .safetensors')
    .addOption(new Option('--layout <order>', 'of recorded maps, if shapes do not show it').choices(['nchw', 'nhwc']))
    .option(
      '--tolerance <share>',
      'largest difference, relative to a layer’s range; default: 0.0001; for halves 0.002, for bfloat16 0.02',
      share,
    )
    .option(
      '--partial',
      'with --reference: exit with 0 even if recorded activations belong to no layer and are not compared',
    )
    .option('--onnx-tests <folder>', 'run the tests of ONNX’s own format in this folder and those within it')
    .option('--filter <text>', 'with --onnx-tests: only those whose path contains this')
    .option('--json', 'the results of --reference or --onnx-tests as JSON')
    .addOption(adapterOption());
  addWeightsOptions(command).action(async (options: Options & Partial<ReferenceOptions & OnnxTestsOptions>) => {
    const { onnxTests } = options;
    if (onnxTests !== undefined) {
      const others = ['weights', 'reference', 'op', 'case', 'full', 'layout', 'tolerance', 'partial'] as const;
      const other = others.find((name) => options[name] !== undefined);
      if (other) throw new UsageError(`--${other} does not go with --onnx-tests`);
      const passed = await interruptible((signal) => verifyOnnxTests({ ...options, onnxTests }, signal));
      if (!passed) process.exitCode = 1;
      return;
    }
    if (options.filter !== undefined) throw new UsageError('--filter goes with --onnx-tests');
    if (options.weights !== undefined || options.reference !== undefined) {
      const { weights, reference } = options;
      if (weights === undefined || reference === undefined)
        throw new UsageError('--weights and --reference belong together: give both');
      if (options.op !== undefined || options.full)
        throw new UsageError('--op, --case and --full choose kernels: they do not go with --reference');
      if (!(await verifyReference({ ...options, weights, reference }))) process.exitCode = 1;
      return;
    }
    if (options.layout !== undefined || options.tolerance !== undefined || options.partial || options.json)
      throw new UsageError('--layout, --tolerance, --partial and --json go with --reference');
    if (!(await interruptible((signal) => verify(options, signal)))) process.exitCode = 1;
  });
}
