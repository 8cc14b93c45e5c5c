/**
 * Loads weights with one build of raybox in a fresh process, and tells what memory that took and when. Prints one line of JSON.
 *
 *     node dist/bench/loading/child.js BUILD WEIGHTS file|blob|server '{"cache":"FOLDER"}'
 */
import { openAsBlob, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type * as raybox from '../../src/index.js';
import { mainMemory } from '../peers/engine.js';

/** What a moment of loading looks like, in bytes. Of the process, only Linux tells. */
export interface Moment {
  /** Milliseconds since loading began. */
  readonly ms: number;
  /** Processor milliseconds of all threads since then. */
  readonly cpuMs: number;
  /** Main memory of the process, and the most since the moment before. */
  readonly now: number;
  readonly peak: number;
  /** Of `now`: buffers of JavaScript, such as the bytes of a file. */
  readonly buffers: number;
}

export interface Loading {
  readonly adapter: string;
  /** Main memory of the process with a device and nothing else. */
  readonly bare: number;
  readonly begun: Moment;
  /** The weights' tensors are known. */
  readonly read: Moment;
  /** The weights are on the GPU, and kernels are compiled as far as the adapter compiles them before they run. */
  readonly ready: Moment;
  /** The first probabilities. */
  readonly first: Moment;
  /** Bytes of packed weights on the GPU, and of activations. */
  readonly gpu: { readonly weights: number; readonly work: number };
  /** Bytes that were written to buffers, and the milliseconds that the calls took. */
  readonly written: { readonly bytes: number; readonly ms: number };
  /** Kernels, characters of their sources, and when the first was asked for and the last one made, in milliseconds. */
  readonly compiled: {
    readonly kernels: number;
    readonly characters: number;
    readonly from: number;
    readonly to: number;
  };
  readonly probabilities: readonly number[];
}

/** Forgets the most memory so far, so that what follows has a peak of its own. */
function forgetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Without Linux there are no peaks.
  }
}

const [build, path, from, more] = process.argv.slice(2);
const weights = from === 'blob' ? await openAsBlob(path) : path;
const { load } = (await import(pathToFileURL(`${build}/dist/src/index.js`).href)) as typeof raybox;
const { openGpu } = (await import(
  pathToFileURL(`${build}/dist/src/gpu/device.js`).href
)) as typeof import('../../src/gpu/device.js');

const { device, info } = await openGpu();
const written = { bytes: 0, ms: 0 };
const compiled = { kernels: 0, characters: 0, from: 0, to: 0 };
let started = 0;
watchDevice();
globalThis.gc?.();
const bare = mainMemory('VmRSS') ?? 0;

started = performance.now();
const cpu = process.cpuUsage();
const begun = moment();
let read: Moment | undefined;
const onProgress = (done: number) => {
  if (done >= 0.5) read ??= moment();
};
const localizer = await load(weights, { device, onProgress, ...JSON.parse(more) });
const ready = moment();
const size = localizer.metadata.inputWidth;
const image = { data: new Uint8Array(size * size).map((_, i) => (i * 37) % 256), width: size, height: size };
const { probabilities } = await localizer.classify(image);
const first = moment();
const loading: Loading = {
  adapter: info.description || info.vendor,
  ...{ bare, begun, read: read ?? ready, ready, first },
  ...{ gpu: localizer.memory(), written, compiled },
  probabilities: Object.values(probabilities),
};
console.log(JSON.stringify(loading));
await localizer.close();
process.exit(0);

function moment(): Moment {
  const { user, system } = process.cpuUsage(cpu);
  const taken = {
    ms: performance.now() - started,
    cpuMs: (user + system) / 1000,
    now: mainMemory('VmRSS') ?? 0,
    peak: mainMemory('VmHWM') ?? 0,
    buffers: process.memoryUsage().arrayBuffers,
  };
  forgetPeak();
  return taken;
}

/** Counts what is written and compiled by way of the device. */
function watchDevice(): void {
  const { queue } = device;
  const write = queue.writeBuffer.bind(queue) as (...given: unknown[]) => undefined;
  queue.writeBuffer = (...given: unknown[]) => {
    const begun = performance.now();
    write(...given);
    written.ms += performance.now() - begun;
    written.bytes += (given[4] as number | undefined) ?? (given[2] as ArrayBufferView).byteLength;
  };
  const createModule = device.createShaderModule.bind(device);
  device.createShaderModule = (what) => {
    compiled.characters += what.code.length;
    return createModule(what);
  };
  const createPipeline = device.createComputePipelineAsync.bind(device);
  device.createComputePipelineAsync = async (what) => {
    compiled.from ||= performance.now() - started;
    compiled.kernels++;
    const pipeline = await createPipeline(what);
    compiled.to = performance.now() - started;
    return pipeline;
  };
}
