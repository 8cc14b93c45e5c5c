/** The public interface of the engine: it loads weights once, and then gives probabilities, heatmaps and boxes for images. */
import { InputError } from '../errors.js';
import type { WeightsMetadata } from '../formats/weights/metadata.js';
import type { Gpu } from '../gpu/device.js';
import type { KernelChoice } from '../graph/tuning/choose.js';
import { checkOptions } from '../options.js';
import type { Warning } from '../warnings.js';
import type { Pixels } from './batches.js';
import { describeBatch } from './describe.js';
import type { ImageInput } from './images/image_input.js';
import { toPixels } from './images/images.js';
import { type ClassifyOptions, KNOWN_OPTIONS, type LoadOptions, type LocalizeAllOptions } from './load_options.js';
import { type Caller, localizeAll } from './localize_all.js';
import { type LocalizeOptions, requestOf } from './request.js';
import type { Classification, Localization } from './results.js';
import { backendOf, openSession } from './session/backend.js';
import type { GpuLocalization } from './session/on_gpu.js';
import type { Memory } from './session/plans.js';
import { abortable, createQueue } from './session/queue.js';
import type { Backend, Precision, Session, StageTimes } from './session/session.js';
import { readsOnce } from './weights/bytes.js';
import { beginModel } from './weights/model.js';
import type { OnFile, WeightsInput } from './weights/weights_input.js';

/**
 * Loads weights and makes their network ready, on a GPU if there is one.
 * @throws InputError for weights that cannot be read, or that do not fit their network or the GPU, and if `backend` names a package that is not
 *   installed; GpuUnavailableError if there is no suitable adapter.
 */
export async function load(weights: WeightsInput, options: LoadOptions = {}): Promise<Localizer> {
  return loadFiles(weights, options);
}

/** As `load`. In addition, `onFile` gets the bytes of the weights' files. */
export async function loadFiles(weights: WeightsInput, options: LoadOptions, onFile?: OnFile): Promise<Localizer> {
  checkOptions('load', options, KNOWN_OPTIONS.load);
  const { signal, onProgress } = options;
  const backend = backendOf(options.backend);
  const reading = onFile ? { ...options, onFile } : options;
  const progress = halves(onProgress);
  const coming = await beginModel(weights, { ...reading, onProgress: progress.first });
  let session: Session | undefined;
  try {
    signal?.throwIfAborted();
    session = await openSession(coming.model, backend, {
      ...{ ...options, onProgress: progress.second, dropRead: coming.dropRead },
    });
    await coming.end();
  } catch (error) {
    coming.stop();
    session?.close();
    throw error;
  }
  return new Localizer(session, async (device) => {
    if (readsOnce(weights)) {
      throw new InputError('weights from a stream or Response cannot be read again', {
        hint: 'load them from a path, URL or Blob, or give load a function that opens a stream',
      });
    }
    return load(weights, { ...options, ...(device ? { device } : {}), onProgress: undefined, signal: undefined });
  });
}

/** The progress of two things that may be done at the same time, each of which tells its own share from 0 to 1. */
function halves(onProgress: ((done: number) => void) | undefined) {
  const done = [0, 0];
  const tell = (half: number) => (share: number) => {
    done[half] = share;
    onProgress?.((done[0] + done[1]) / 2);
  };
  return { first: tell(0), second: tell(1) };
}

declare global {
  /** The symbol of `await using`. It is declared here as in ESNext, for users whose `lib` is ES2022. */
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

/** Runs one network on one device. Calls may overlap; they are queued and run one after the other. */
export class Localizer {
  #session: Session;
  #reload: (device?: GPUDevice) => Promise<Localizer>;
  #queue = createQueue();
  /** Results that are being read while the queue goes on. */
  #reading = new Set<Promise<unknown>>();
  /** Calls that are not finished: their image is still being read, or they are in the queue. */
  #pending = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /** Use `load`. */
  constructor(session: Session, reload: (device?: GPUDevice) => Promise<Localizer>) {
    this.#session = session;
    this.#reload = reload;
  }

  /** Labels, in the order of the network's outputs. */
  get classes(): readonly string[] {
    return this.#session.metadata.classes;
  }

  /** What the weights say about themselves. */
  get metadata(): Readonly<WeightsMetadata> {
    return this.#session.metadata;
  }

  /**
   * What was assumed because the weights do not say it. Each result lists these warnings before those of its image. The last ones may be
   * `not-tuned` and `slow-backend`, which are only about its speed and are in no result.
   */
  get warnings(): readonly Warning[] {
    const { warnings, backend, tuning } = this.#session;
    const slow = backend.hint === undefined ? [] : [{ code: 'slow-backend' as const, message: backend.hint }];
    return [...warnings, ...(tuning?.warnings ?? []), ...slow];
  }

  /**
   * The kernels that were chosen by measurements (see the option `tune` of `load`), for the batch sizes that were planned so far. All others were
   * chosen by raybox's rules.
   */
  get tunedKernels(): readonly KernelChoice[] {
    return this.#session.tuning?.choices() ?? [];
  }

  /** What the network computes with, as the option of `load` says. */
  get precision(): Precision {
    return this.#session.precision;
  }

  /** What it computes with, and why. */
  get backend(): Backend {
    return this.#session.backend;
  }

  /** The device and what is known about it. @throws InputError if the localizer runs without one: see `backend` */
  get gpu(): Gpu {
    const { gpu, backend } = this.#session;
    if (gpu) return gpu;
    throw new InputError(`this localizer runs in ${backend.name}, without a GPU`, {
      hint: "load(weights, { backend: 'webgpu' })",
    });
  }

  /** Resolves with a DeviceLostError when the device is lost. Pending calls reject with the same error. */
  get lost(): Promise<Error> {
    return this.#session.gpu?.lost ?? new Promise(() => {});
  }

  /** Probabilities and logits by label. */
  async classify(image: ImageInput, options: ClassifyOptions = {}): Promise<Classification> {
    checkOptions('classify', options, KNOWN_OPTIONS.classify);
    const { index, width, height, probabilities, logits, warnings } = await this.localize(image, {
      ...options,
      boxes: false,
    });
    return { index, width, height, probabilities, logits, warnings };
  }

  /**
   * Probabilities, findings with boxes and, on request, heatmaps of one image. With `output: 'gpu'` nothing is read back. The results are
   * then buffers on the GPU, which the caller has to destroy.
   */
  async localize(image: ImageInput, options: LocalizeOptions & { output: 'gpu' }): Promise<GpuLocalization>;
  async localize(image: ImageInput, options?: LocalizeOptions & { output?: 'cpu' }): Promise<Localization>;
  async localize(
    image: ImageInput,
    { output = 'cpu', ...options }: LocalizeOptions & { output?: 'cpu' | 'gpu' } = {},
  ): Promise<Localization | GpuLocalization> {
    this.#check();
    const request = requestOf(this.metadata, { output, ...options }, 'localize', KNOWN_OPTIONS.localize);
    if (output === 'gpu' && request.lungMask !== 'off')
      throw new InputError("lungMask with output: 'gpu'", { expected: 'off', given: request.lungMask });
    const { signal } = options;
    const read = abortable(toPixels(image, options), signal);
    const work = async (pixels: Pixels): Promise<Localization | GpuLocalization> => {
      if (output === 'gpu') return this.#session.runOnGpu(pixels, request, signal);
      const batch = { images: [pixels], indexes: [0] };
      const computed = await this.#session.run(batch.images, request, signal);
      return (await describeBatch(this.#session, batch, request, computed))[0];
    };
    // The caller frees results on the GPU. After an abort the caller does not get them, so they are freed here.
    const drop = (result: Localization | GpuLocalization) => 'destroy' in result && result.destroy();
    return this.#track(read.then((pixels) => this.#queue.push(() => work(pixels), signal, drop)));
  }

  /**
   * The results of `localize` for many images, in their order. The GPU gets a batch while it still works at the one before, and the images of
   * the batch after these are read meanwhile.
   */
  async *localizeAll(
    images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
    options: LocalizeAllOptions = {},
  ): AsyncGenerator<Localization, void, undefined> {
    this.#check();
    const caller: Caller = {
      ...{ queue: this.#queue, reading: this.#reading, session: () => this.#session },
      ...{ check: () => this.#check(), track: (work) => this.#track(work) },
    };
    yield* localizeAll(caller, images, options);
  }

  /** Runs `localize` on a blank image, so that everything is compiled before the first real image. */
  async warmup(options: LocalizeOptions = {}): Promise<void> {
    const { inputWidth: width, inputHeight: height } = this.metadata;
    await this.localize(
      { data: new Uint8Array(width * height), width, height },
      { ...options, classes: [...this.classes] },
    );
  }

  /** Bytes that the localizer holds on the GPU. */
  memory(): Memory {
    return this.#session.memory();
  }

  /** GPU time of each dispatch for one image of the network's input size; undefined if the adapter has no timestamps. */
  async profile(): Promise<StageTimes[] | undefined> {
    this.#check();
    const request = requestOf(this.metadata, { classes: this.classes });
    return this.#track(this.#queue.push(() => this.#session.profile(request)));
  }

  /** Opens a device again after a loss, and reads the weights again from their source. Later calls wait until that is done. */
  async restore(device?: GPUDevice): Promise<void> {
    this.#check();
    await this.#track(
      this.#queue.push(async () => {
        const fresh = await this.#reload(device);
        await Promise.all(this.#reading);
        this.#session.close();
        this.#session = fresh.#session;
        this.#reload = fresh.#reload;
      }),
    );
  }

  /** Waits for pending calls, then frees the localizer's memory on the GPU, and the device unless it is the caller's. */
  async close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#pending).then(async () => {
      // The promise of an aborted call has been rejected already, but its work may still be running.
      await this.#queue.idle();
      await Promise.all(this.#reading);
      this.#session.close();
    });
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work);
    const done = () => this.#pending.delete(work);
    work.then(done, done);
    return work;
  }

  #check(): void {
    if (this.#closing) throw new InputError('the localizer was closed', { hint: 'load the weights again' });
  }
}
