/** The worker of the bench page: verifies and times as `npm run bench` does, and says how far it is. The page ends it to abort. */
import { describe, openGpu } from '../../src/gpu/device.js';
import { benchNetwork, NETWORKS, networkLabel } from '../networks.js';
import { benchOperation, listBenchmarks } from '../operations.js';
import type { Results, Row } from '../results.js';
import { measureRoofs, type Roofs } from '../roofs.js';
import { verify } from '../verify.js';
import { describePage } from './machine.js';

/** What the page asks for. */
export interface Request {
  readonly parts: readonly ('verify' | 'operations' | 'networks')[];
  /** Words that must all occur in a case's line. */
  readonly words: readonly string[];
  /** No part is started after this time. */
  readonly minutes: number;
  /** Quick: small buffers, short samples and one small network, for phones. */
  readonly quick: boolean;
}

export type Message =
  | { readonly kind: 'progress'; readonly text: string; readonly done: number; readonly all: number }
  | { readonly kind: 'results'; readonly results: Results }
  | { readonly kind: 'done' }
  | { readonly kind: 'error'; readonly message: string };

const say = (message: Message) => postMessage(message);

/** How large buffers for roofs are, and how long a sample takes. Phones end pages that ask for much memory. */
const EFFORT = { quick: { roofs: 0.05, seconds: 0.1 }, thorough: { roofs: 0.5, seconds: 0.5 } } as const;
const SMALL_NETWORK = 'squeezenet1_1';
const SIZE = 224;

interface Step {
  readonly text: string;
  run(roofs: Roofs | undefined): Promise<readonly Row[]>;
}

async function work({ parts, words, minutes, quick }: Request): Promise<void> {
  const ends = performance.now() + minutes * 60_000;
  const effort = EFFORT[quick ? 'quick' : 'thorough'];
  const wanted = (line: string) => words.every((word) => line.toLowerCase().includes(word));
  say({ kind: 'progress', text: 'opening a device', done: 0, all: 0 });
  const gpu = await openGpu();
  let results: Results = { ...describePage(describe(gpu.info), gpu), rows: [] };
  say({ kind: 'results', results });
  const add = (more: Partial<Results>) => {
    results = { ...results, ...more };
    say({ kind: 'results', results });
  };
  if (parts.includes('verify')) {
    const onProgress = (done: number, all: number) => say({ kind: 'progress', text: 'verifying kernels', done, all });
    add({ verification: await verify(() => openGpu(), { wanted, ends, onProgress }) });
  }
  const types = gpu.features.has('shader-f16') ? (['f32', 'f16'] as const) : (['f32'] as const);
  const steps: Step[] = [];
  if (parts.includes('operations')) {
    for (const [name, checks] of listBenchmarks(gpu, wanted))
      steps.push({ text: `timing ${name}`, run: (roofs) => benchOperation(() => openGpu(), checks, roofs, effort) });
  }
  for (const network of parts.includes('networks') ? (quick ? [SMALL_NETWORK] : NETWORKS) : []) {
    for (const type of types) {
      if (!wanted(networkLabel(network, SIZE, 1, type))) continue;
      const given = { network, size: SIZE, type, batches: [1] };
      steps.push({
        text: `timing ${network} ${type}`,
        run: (roofs) => benchNetwork(() => openGpu(), given, roofs, effort),
      });
    }
  }
  if (steps.length > 0) {
    say({ kind: 'progress', text: 'measuring the roofs', done: 0, all: steps.length });
    add({ roofs: await measureRoofs(gpu, effort.roofs) });
  }
  gpu.close();
  for (const [done, { text, run }] of steps.entries()) {
    if (performance.now() > ends) break;
    say({ kind: 'progress', text, done, all: steps.length });
    add({ rows: [...results.rows, ...(await run(results.roofs))] });
  }
}

addEventListener('message', ({ data }: MessageEvent<Request>) => {
  work(data).then(
    () => say({ kind: 'done' }),
    (error: Error) => say({ kind: 'error', message: error.message }),
  );
});
