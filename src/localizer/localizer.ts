/**
 * The engine as a user holds it: weights go in once, then images; out come probabilities, heatmaps and boxes.
 */
import { InputError } from '../errors.js';
import { type WeightsMetadata, weightsFields } from '../formats/weights.js';
import { type Gpu, type GpuOptions, openGpu } from '../gpu/device.js';
import { checkOptions, optionNames } from '../options.js';
import type { Warning } from '../warnings.js';
import { type Pixels, readBatches, refuseSingleImage } from './batches.js';
import { readsOnce } from './bytes.js';
import { type ImageInput, toPixels } from './images.js';
import { type ModelOptions, readModel, type WeightsInput } from './model.js';
import type { GpuLocalization } from './on_gpu.js';
import { abortable, createQueue } from './queue.js';
import { LOCALIZE_OPTIONS, type LocalizeOptions, type Request, requestOf } from './request.js';
import type { Classification, Localization } from './results.js';
import { type Batch, createSession, type Memory, type Session, type StageTimes } from './session.js';

/** Options of `load`: the device, the arithmetic, and what the weights do not say of themselves. */
export interface LoadOptions extends Omit<GpuOptions, 'device'>, ModelOptions {
  /** A device of the caller's. raybox keeps to its limits and never destroys it. */
  device?: GPUDevice;
  /** Element type of weights and activations; sums are f32 in both. Default `f32`; `f16` needs the feature `shader-f16`. */
  precision?: 'f32' | 'f16';
  /** Share of the loading that is done, 0…1. */
  onProgress?: (done: number) => void;
  signal?: AbortSignal;
}

/** Of `load`, beside the fields of the weights' metadata. */
const OWN_OPTIONS = optionNames<Omit<LoadOptions, keyof WeightsMetadata>>({
  device: true,
  adapter: true,
  powerPreference: true,
  dawn: true,
  precision: true,
  metadata: true,
  transformInput: true,
  prefix: true,
  ignore: true,
  network: true,
  maxBytes: true,
  cache: true,
  integrity: true,
  onProgress: true,
  signal: true,
});

/** Options of `Localizer.classify`. */
export type ClassifyOptions = Pick<LocalizeOptions, 'bits' | 'maxImageBytes' | 'signal'>;

/** Options of `Localizer.localizeAll`: those of `localize`, for all its images alike. */
export interface LocalizeAllOptions extends LocalizeOptions {
  /** Images in one run of the network. Default 4. Where they do not fit, fewer are taken. */
  batch?: number;
  /** Told of an image that cannot be read or does not fit, which is then left out. Without it, the first such image ends the iteration. */
  onError?: (error: Error, index: number) => void;
}

/** Every option that a call knows. */
export const KNOWN_OPTIONS = {
  load: [...OWN_OPTIONS, ...weightsFields.filter((field) => field !== 'assumed')],
  classify: optionNames<ClassifyOptions>({ bits: true, maxImageBytes: true, signal: true }),
  localize: [...LOCALIZE_OPTIONS, 'output'],
  localizeAll: [
    ...LOCALIZE_OPTIONS,
    ...optionNames<Omit<LocalizeAllOptions, keyof LocalizeOptions>>({ batch: true, onError: true }),
  ],
};

/**
 * Loads weights and makes them ready on a GPU.
 * @throws InputError for weights that cannot be read or do not fit; GpuUnavailableError without a fitting adapter.
 */
export async function load(weights: WeightsInput, options: LoadOptions = {}): Promise<Localizer> {
  checkOptions('load', options, KNOWN_OPTIONS.load);
  const { signal, onProgress, device, adapter, powerPreference, dawn } = options;
  const model = await readModel(weights, { ...options, onProgress: (done) => onProgress?.(done / 2) });
  signal?.throwIfAborted();
  const gpu = await openGpu({ device, adapter, powerPreference, dawn });
  try {
    const session = await createSession(gpu, model, {
      precision: options.precision ?? 'f32',
      signal,
      onProgress: (done) => onProgress?.(0.5 + done / 2),
    });
    return new Localizer(gpu, session, async (device) => {
      if (readsOnce(weights)) {
        throw new InputError('weights from a stream or Response cannot be read again', {
          hint: 'load them from a path, URL or Blob, or give load a function that opens a stream',
        });
      }
      return load(weights, { ...options, ...(device ? { device } : {}), onProgress: undefined, signal: undefined });
    });
  } catch (error) {
    gpu.close();
    throw error;
  }
}

declare global {
  /** For users whose `lib` is ES2022: the symbol of `await using`, declared as ESNext declares it. */
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

/** Runs one network on one device. Calls may overlap: they are queued and never mixed up. */
export class Localizer {
  #gpu: Gpu;
  #session: Session;
  #reload: (device?: GPUDevice) => Promise<Localizer>;
  #queue = createQueue();
  /** What has been asked for and is not done: in the queue, or still being read. */
  #pending = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /** Use `load`. */
  constructor(gpu: Gpu, session: Session, reload: (device?: GPUDevice) => Promise<Localizer>) {
    this.#gpu = gpu;
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

  /** What the weights do not say and was assumed. Every result repeats it before its own. */
  get warnings(): readonly Warning[] {
    return this.#session.warnings;
  }

  /** The device and what is known about it. */
  get gpu(): Gpu {
    return this.#gpu;
  }

  /** Resolves once the device is lost; what is pending then rejects with the same DeviceLostError. */
  get lost(): Promise<Error> {
    return this.#gpu.lost;
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
   * Probabilities, findings with boxes and, on request, heatmaps of one image. With `output: 'gpu'` nothing is read back: results
   * come as buffers, which the caller destroys.
   */
  async localize(image: ImageInput, options: LocalizeOptions & { output: 'gpu' }): Promise<GpuLocalization>;
  async localize(image: ImageInput, options?: LocalizeOptions & { output?: 'cpu' }): Promise<Localization>;
  async localize(
    image: ImageInput,
    { output = 'cpu', ...options }: LocalizeOptions & { output?: 'cpu' | 'gpu' } = {},
  ): Promise<Localization | GpuLocalization> {
    this.#check();
    if (output !== 'cpu' && output !== 'gpu') {
      throw new InputError('output', { expected: "'cpu' or 'gpu'", given: String(output) });
    }
    const request = requestOf(this.metadata, options, 'localize', KNOWN_OPTIONS.localize);
    const { signal } = options;
    const read = abortable(toPixels(image, options), signal);
    const work = async (pixels: Pixels): Promise<Localization | GpuLocalization> => {
      if (output === 'gpu') return this.#session.runOnGpu(pixels, request, signal);
      return (await this.#session.run({ images: [pixels], indexes: [0] }, request, signal))[0];
    };
    // What stays on the GPU is the caller's to free; of a call that was aborted nobody holds it.
    const drop = (result: Localization | GpuLocalization) => 'destroy' in result && result.destroy();
    return this.#track(read.then((pixels) => this.#queue.push(() => work(pixels), signal, drop)));
  }

  /** The same of many images, in their order. Images are read ahead while the GPU works. */
  async *localizeAll(
    images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
    options: LocalizeAllOptions = {},
  ): AsyncGenerator<Localization, void, undefined> {
    this.#check();
    const { batch = 4, onError, ...perImage } = options;
    const { signal } = perImage;
    if (!Number.isInteger(batch) || batch < 1) {
      throw new InputError('batch', { expected: 'a whole number from 1 on', given: String(batch) });
    }
    refuseSingleImage(images);
    const request = requestOf(this.metadata, perImage, 'localizeAll', KNOWN_OPTIONS.localizeAll);
    const batches = readBatches(images, batch, options);
    let next = batches.next();
    next.catch(() => {}); // awaited below; reading ahead must not leave a rejection unhandled
    try {
      for (;;) {
        const { done, value } = await abortable(next, signal);
        if (done) return;
        next = batches.next();
        next.catch(() => {});
        this.#check();
        yield* await this.#track(this.#queue.push(() => this.#runBatch(value, request, onError, signal), signal));
      }
    } finally {
      // Whoever gives the images may have something to close. Not awaited: an image that is being read may never come.
      batches.return().catch(() => {});
    }
  }

  // Where a batch is refused and somebody wants to be told, its images are taken one by one, to find those at fault.
  async #runBatch(
    batch: Batch,
    request: Request,
    onError: LocalizeAllOptions['onError'],
    signal: AbortSignal | undefined,
  ): Promise<Localization[]> {
    try {
      return await this.#session.run(batch, request, signal);
    } catch (error) {
      if (!onError || !(error instanceof InputError) || signal?.aborted) throw error;
      if (batch.images.length === 1) {
        onError(error, batch.indexes[0]);
        return [];
      }
    }
    const results: Localization[] = [];
    for (const [place, image] of batch.images.entries()) {
      const alone = { images: [image], indexes: [batch.indexes[place]] };
      results.push(...(await this.#runBatch(alone, request, onError, signal)));
    }
    return results;
  }

  /** Compiles everything that a first `localize` would compile, by running it on a blank image. */
  async warmup(options: LocalizeOptions = {}): Promise<void> {
    const { inputWidth: width, inputHeight: height } = this.metadata;
    await this.localize(
      { data: new Uint8Array(width * height), width, height },
      { ...options, classes: [...this.classes] },
    );
  }

  /** Bytes on the GPU. */
  memory(): Memory {
    return this.#session.memory();
  }

  /** GPU time of each dispatch for one image of the network's input size, or undefined where the adapter has no timestamps. */
  async profile(): Promise<StageTimes[] | undefined> {
    this.#check();
    const request = requestOf(this.metadata, { classes: this.classes });
    return this.#track(this.#queue.push(() => this.#session.profile(request)));
  }

  /** Starts over after the device was lost, reading the weights again from where they came. Calls that come later wait for it. */
  async restore(device?: GPUDevice): Promise<void> {
    this.#check();
    await this.#track(
      this.#queue.push(async () => {
        const fresh = await this.#reload(device);
        this.#session.close();
        this.#gpu.close();
        this.#gpu = fresh.#gpu;
        this.#session = fresh.#session;
        this.#reload = fresh.#reload;
      }),
    );
  }

  /** Frees what was made on the GPU, and the device unless it is the caller's. Calls that are pending are finished first. */
  async close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#pending).then(async () => {
      await this.#queue.idle(); // calls that were aborted have been answered, but may still be at work
      this.#session.close();
      this.#gpu.close();
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
