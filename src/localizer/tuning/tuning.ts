/**
 * Tuning of one network on one device: reads what was measured before, measures what is missing if that was asked for, and keeps it. This
 * module is only loaded if tuning was asked for, or if something was kept of it.
 */
import { InputError } from '../../errors.js';
import type { KeptTexts } from '../../gpu/platform.js';
import type { Graph } from '../../graph/ir/graph.js';
import type { Traits } from '../../graph/ir/operation.js';
import { createTunedChoices, type Measured, type MeasuredWorks } from '../../graph/tuning/choose.js';
import type { Bench } from '../../graph/tuning/measure.js';
import { tuneWorks } from '../../graph/tuning/tune.js';
import { type Work, worksOf } from '../../graph/tuning/works.js';
import type { Warning } from '../../warnings.js';
import { circumstancesOf, extendRecord, keyOf, MAX_LENGTH, worksIn } from './record.js';
import type { TuneOptions, Tuning } from './types.js';

const OPTIONS: readonly string[] = ['seconds', 'batches'] satisfies (keyof TuneOptions)[];
const SECONDS = 60;
/** A network has some tens of works, so measurements of this length hardly ever end early unless an adapter is very slow. */
const MAX_SECONDS = 24 * 60 * 60;
const MAX_BATCH = 1024;

export interface TuningContext extends Bench {
  /** The adapter's name, with its driver. */
  readonly adapter: string;
  /** The browser, or the JavaScript runtime, with its version. */
  readonly host: string;
  readonly traits: Traits;
  /** The network's fused graph for a batch of this size. */
  graphOf(batch: number): Graph;
  /** Called with the share of the measurements that are done, 0…1. */
  onProgress?: ((done: number) => void) | undefined;
}

/**
 * @param texts what is kept, or why it cannot be opened.
 * @param tune whether to measure, and for how long. Otherwise what was kept is used, and nothing is measured.
 * @throws InputError for options that are not valid; the signal's reason if it is aborted. What was measured until then is kept.
 */
export async function openTuning(
  texts: KeptTexts | Error | undefined,
  tune: unknown,
  context: TuningContext,
): Promise<Tuning> {
  const limits = limitsOf(tune);
  const warnings: Warning[] = [];
  const measured = new Map(await readKept(texts, context, warnings));
  const works = limits ? worksFor(context, limits.batches) : [];
  if (limits) {
    const fresh = new Map<string, Measured>();
    try {
      const { onProgress } = context;
      await tuneWorks(context, works, measured, fresh, { seconds: limits.seconds, onProgress });
    } finally {
      if (fresh.size > 0) await keep(texts, context, fresh, warnings);
    }
    for (const [key, one] of fresh) measured.set(key, one);
  }
  const { choose, made } = createTunedChoices(measured, context.traits);
  // So that `made` lists them before their batch is planned. Weights are packed for a batch of one image.
  if (limits) for (const { node, variants } of [...worksFor(context, [1]), ...works]) choose(node, variants);
  return { choose, choices: made, warnings };
}

/** Undefined if nothing is to be measured. */
function limitsOf(tune: unknown): Required<TuneOptions> | undefined {
  if (tune === undefined || tune === '') return undefined;
  const isObject = typeof tune === 'object' && tune !== null;
  if (!isObject && tune !== true && tune !== 'true') {
    throw new InputError('tune', { expected: 'true, false, or { seconds, batches }', given: String(tune) });
  }
  const unknown = isObject && Object.keys(tune).find((name) => !OPTIONS.includes(name));
  if (unknown) throw new InputError(`tune has no option ${unknown}`, { expected: OPTIONS.join(', ') });
  const { seconds = SECONDS, batches = [1] } = (isObject ? tune : {}) as TuneOptions;
  if (!(typeof seconds === 'number' && seconds > 0 && seconds <= MAX_SECONDS)) {
    throw new InputError('tune.seconds', { expected: `above 0, at most ${MAX_SECONDS}`, given: String(seconds) });
  }
  const isBatch = (batch: unknown) => Number.isInteger(batch) && Number(batch) >= 1 && Number(batch) <= MAX_BATCH;
  if (!Array.isArray(batches) || batches.length > 16 || !batches.every(isBatch)) {
    throw new InputError('tune.batches', { expected: 'at most 16 whole numbers from 1 on', given: String(batches) });
  }
  return { seconds, batches };
}

async function readKept(
  texts: KeptTexts | Error | undefined,
  context: TuningContext,
  warnings: Warning[],
): Promise<MeasuredWorks> {
  try {
    if (texts instanceof Error) throw texts;
    const own = circumstancesOf(context);
    const text = await texts?.read(await keyOf(own), MAX_LENGTH);
    return text === undefined ? new Map() : worksIn(text, own);
  } catch (error) {
    warnings.push({
      code: 'not-tuned',
      message: `what was kept of tuning was not used, and kernels were chosen by rules: ${messageOf(error)}; raybox tune --clear removes it`,
    });
    return new Map();
  }
}

/** The network's works for batches of these sizes, the most expensive first. */
function worksFor({ graphOf, traits }: TuningContext, batches: readonly number[]): Work[] {
  const works = new Map(batches.flatMap((batch) => worksOf(graphOf(batch), traits)).map((work) => [work.key, work]));
  return [...works.values()].sort((a, b) => b.flops - a.flops);
}

/** Adds measurements to what is kept now, which another process may have extended in the meantime. */
async function keep(
  texts: KeptTexts | Error | undefined,
  context: TuningContext,
  fresh: MeasuredWorks,
  warnings: Warning[],
): Promise<void> {
  try {
    if (!texts || texts instanceof Error) throw texts ?? new Error('there is no place to keep it');
    const own = circumstancesOf(context);
    await texts.change(await keyOf(own), MAX_LENGTH, (before) => {
      let works: MeasuredWorks = new Map();
      try {
        if (before !== undefined) works = worksIn(before, own);
      } catch {
        // What cannot be read is replaced. If it was there at the beginning, there has been a warning.
      }
      return extendRecord(works, fresh, own);
    });
  } catch (error) {
    warnings.push({
      code: 'not-tuned',
      message: `what tuning has measured could not be kept, and will be measured again next time: ${messageOf(error)}`,
    });
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
