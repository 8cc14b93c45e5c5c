/** Reads the images of a data set for training. They are decoded in worker threads, and kept in memory as far as they fit. */
import { availableParallelism, totalmem } from 'node:os';
import { Worker } from 'node:worker_threads';
import { InputError } from '../errors.js';
import type { DecodeOptions } from '../formats/images/pixels.js';
import type { Fit } from '../ops/images/frame.js';
import type { Warning } from '../warnings.js';
import { tallyWarnings } from './image_reading.js';

export interface ImageStoreOptions {
  /** Side in pixels to which images are resized. */
  size: number;
  fit: Fit;
  /** How files are decoded. */
  decode?: DecodeOptions;
  /** Number of worker threads. Default: one for each processor, at most 8. */
  threads?: number;
  /** The most bytes of decoded images to keep. Default: a quarter of the machine's memory. */
  cacheBytes?: number;
}

export interface ImageStore {
  /** @throws InputError naming the file that cannot be read. */
  read(path: string): Promise<Uint16Array>;
  /** A hash of the pixels of an image when it was last decoded: 16 hexadecimal digits. Undefined if it has not been decoded yet. */
  hashOf(path: string): string | undefined;
  /** Bytes of images in memory. */
  readonly cachedBytes: number;
  /** Whether an image could not be kept because there was no room. */
  readonly full: boolean;
  /** The warnings of all images read so far, a line for each kind. */
  warnings(): string[];
  close(): Promise<void>;
}

/** What a worker thread makes of an image file. */
interface Decoded {
  image: Uint16Array;
  hash: string;
  warnings: readonly Warning[];
}

interface Job {
  path: string;
  done(decoded: Decoded): void;
  fail(error: Error): void;
}

export function openImageStore(options: ImageStoreOptions): ImageStore {
  const { cacheBytes = totalmem() / 4 } = options;
  const decoders = openDecoders(options);
  const cache = new Map<string, Uint16Array>();
  const hashes = new Map<string, string>();
  let cachedBytes = 0;
  let full = false;
  const tally = tallyWarnings();
  const tallied = new Set<string>();

  /** The images that are read first are kept for good. Each epoch reads all images, so replacing old ones would make more of them miss. */
  function keep(path: string, image: Uint16Array): void {
    if (cachedBytes + image.byteLength > cacheBytes) full = true;
    else if (!cache.has(path)) {
      cache.set(path, image);
      cachedBytes += image.byteLength;
    }
  }

  return {
    hashOf: (path) => hashes.get(path),
    get cachedBytes() {
      return cachedBytes;
    },
    get full() {
      return full;
    },
    warnings: () => tally.lines(),
    async read(path) {
      const known = cache.get(path);
      if (known) return known;
      const { image, hash, warnings } = await decoders.decode(path);
      if (warnings.length > 0 && !tallied.has(path)) {
        tallied.add(path);
        tally.add(path, warnings);
      }
      hashes.set(path, hash);
      keep(path, image);
      return image;
    },
    async close() {
      await decoders.close();
      cache.clear();
    },
  };
}

interface Decoders {
  /** @throws InputError naming the file that cannot be read, or if the threads were closed; Error if a thread ended */
  decode(path: string): Promise<Decoded>;
  close(): Promise<void>;
}

/** Decodes images in worker threads, which are started when there is work for them. */
function openDecoders({ size, fit, decode = {}, threads }: ImageStoreOptions): Decoders {
  const most = threads ?? Math.min(availableParallelism(), 8);
  const workers: Worker[] = [];
  const idle: Worker[] = [];
  const waiting: Job[] = [];
  const jobs = new Map<Worker, Job>();
  let broken: Error | undefined;

  const failAll = (error: Error) => {
    broken ??= error;
    for (const job of [...jobs.values(), ...waiting.splice(0)]) job.fail(error);
    jobs.clear();
  };

  function start(): Worker {
    const worker = new Worker(new URL('./decode_worker.js', import.meta.url), {
      workerData: { size, fit, decode },
      // Without this, a thread would inherit flags such as --input-type, which only make sense for the main script.
      execArgv: [],
    });
    worker.on('message', (answer: Decoded | { error: string }) => {
      const job = jobs.get(worker);
      if (!job) return; // the job has already failed because another thread ended
      jobs.delete(worker);
      if ('error' in answer) job.fail(new InputError(`${job.path}: ${answer.error}`));
      else job.done(answer);
      idle.push(worker);
      assign();
    });
    worker.on('error', failAll);
    worker.on('exit', (code) => failAll(new Error(`a decoding thread ended with code ${code}`)));
    workers.push(worker);
    return worker;
  }

  /** Gives waiting jobs to threads that have none. */
  function assign(): void {
    while (waiting.length > 0) {
      const worker = idle.pop() ?? (workers.length < most ? start() : undefined);
      if (!worker) return;
      const job = waiting.shift() as Job;
      jobs.set(worker, job);
      worker.postMessage(job.path);
    }
  }

  return {
    async decode(path) {
      if (broken) throw broken;
      return new Promise<Decoded>((done, fail) => {
        waiting.push({ path, done, fail });
        assign();
      });
    },
    async close() {
      broken ??= new InputError('the images were closed');
      for (const worker of workers) worker.removeAllListeners('exit');
      await Promise.all(workers.map((worker) => worker.terminate()));
      failAll(broken);
    },
  };
}
