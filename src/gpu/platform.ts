/**
 * What raybox needs from the environment that it runs in. The import `#gpu` gives a `Platform`: that of `node/platform.ts` (Node and Bun),
 * `node/deno.ts` or `web/platform.ts`.
 */
import { type ErrorDetails, InputError } from '../errors.js';
import type { Warning } from '../warnings.js';

/** What differs between pages, Node, Deno and Bun. */
export interface Platform {
  readonly name: 'node' | 'deno' | 'web';
  /** The browser, or the JavaScript runtime, with its version. */
  version(): string;
  /**
   * The WebGPU entry point. `adapter` chooses one of several adapters by name (see RAYBOX_ADAPTER). With `systemOnly` the platform brings no
   * software adapter of its own.
   */
  gpu(options: { adapter?: string; dawn?: readonly string[]; systemOnly?: boolean }): Promise<GPU>;
  /** The package that computes networks on the CPU on this platform, if it is installed. */
  readonly onnxruntime: { readonly name: string; load(): Promise<unknown> };
  /** Reads a path or URL piece by piece. */
  open(source: string | URL, signal?: AbortSignal): Promise<Pieces>;
  /** Computes a hash (`sha256`, `sha384` or `sha512`) piece by piece. Undefined in pages, which compute it of all bytes together. */
  hasher?(algorithm: string): { update(bytes: Uint8Array): unknown; digest(): Uint8Array };
  /**
   * The tensors of a weights file on this machine, which stay in the file until they are needed; undefined for anything else, for formats that have
   * to be read as a whole, and for files of more than `maxBytes`.
   * @param options those of `load`. The hash is computed before anything else is read, with a piece of the file in memory at a time.
   * @throws InputError for a damaged file, or one with another hash than `integrity`; later, when a tensor is read, if the file has changed.
   */
  tensors?(
    source: string | URL,
    maxBytes: number,
    options?: { prefix?: string | undefined; integrity?: string | undefined },
  ): Promise<FileTensors | undefined>;
  /**
   * A store for files that are kept between runs.
   * @param folder where to keep them, on platforms with a file system. Default: the platform's own place.
   * @returns undefined if the platform has no such place.
   * @throws Error if the place may not be used.
   */
  keep?(folder?: string): Promise<KeptFiles | undefined>;
  /**
   * A store for what tuning has measured.
   * @param make whether to open it even if there is nothing in it.
   * @returns undefined if the platform has no such place, or if nothing is kept there and `make` is false.
   * @throws Error if the place may not be used.
   */
  tuned?(make: boolean): Promise<KeptTexts | undefined>;
  /** Decodes a file in a format that this platform knows and raybox does not; undefined for every other format. */
  decode?(bytes: Uint8Array, limits: ImageLimits): Promise<PlatformPixels | undefined>;
  /** Pixels of an object that this platform can draw, such as a canvas; undefined for any other object. */
  pixels?(drawable: object, limits: ImageLimits): Promise<PlatformPixels | undefined>;
  /** @throws GpuUnavailableError for an adapter that accepts calls but computes nothing. */
  refuse?(info: GPUAdapterInfo): void;
  /** An environment variable; in a page, the search parameter of the same name. */
  environment(name: string): string | undefined;
  /**
   * Milliseconds of processor time that all threads but the main one have used, which are those of a software adapter; undefined if the platform
   * does not tell it.
   */
  processorTime?(): number | undefined;
  /** Called once an adapter is in use that computes on the CPU, so that the platform can wait for it without taking a core from it. */
  easeWaiting?(): void;
}

/** Computes a hash of a file: `sha256`, `sha384` or `sha512`. */
export type HashBy = (algorithm: string) => Uint8Array;

/** Files that are kept between runs, found by key. A file may have been damaged since it was written, so the reader has to check it. */
export interface KeptFiles {
  /** The file and the note that was written with it; undefined if there is no such file or it is longer than `maxBytes`. */
  read(key: string, maxBytes: number): Promise<KeptFile | undefined>;
  /** Writes both, or neither; where files cannot be written as they come. @throws Error if they cannot be written. */
  write?(key: string, bytes: Uint8Array, note: string): Promise<void>;
  /** Begins a file that is written as it comes. @throws Error if nothing can be written, here and in the functions of the file. */
  begin?(key: string): Promise<GrowingKeptFile>;
}

/** A file that is written as it comes. Nobody finds it by its key before it is kept. */
export interface GrowingKeptFile {
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the file. @param note JSON with the field `sha256`, the hash of its bytes @returns the file, which can be read before it is kept and after */
  end(note: string): Promise<KeptFile>;
  /** Puts the file in the place of the one that was kept before. If that fails, it can still be read. */
  keep(): Promise<void>;
  /** Removes what was written. */
  discard(): Promise<void>;
}

/** A file that was kept. */
export interface KeptFile {
  readonly note: string;
  /** All bytes. They may only be read when they are asked for. */
  readonly bytes: Uint8Array;
  /** Of a file that need not be read as a whole: computes its hash, and gives its tensors as `Platform.tensors` does. */
  readonly inParts?: { hashBy: HashBy; tensors(prefix?: string): Promise<FileTensors | undefined> };
}

/** Short texts that are kept between runs, found by key. A text may have been damaged since it was written, so the reader has to check it. */
export interface KeptTexts {
  keys(): Promise<string[]>;
  /** Undefined if there is none. @throws Error if it is longer than `maxLength`. */
  read(key: string, maxLength: number): Promise<string | undefined>;
  /** Replaces a text by what `change` makes of it. What others write at the same time is not lost. @throws Error if it cannot be written. */
  change(key: string, maxLength: number, change: (before: string | undefined) => string): Promise<void>;
  remove(key: string): Promise<void>;
}

/** Those options of `localize` that bound the size of an image. */
export interface ImageLimits {
  maxImageBytes?: number | undefined;
}

/** The same as an `Image` of `formats/images/pixels.ts`, which the files in `gpu` must not import. */
export interface PlatformPixels {
  data: Uint8Array;
  width: number;
  height: number;
  channels: 3 | 4;
  warnings?: readonly Warning[];
}

/** The same as a `Checkpoint` of `formats/weights/checkpoint.ts`, which the files in `gpu` must not import. */
export interface FileTensors {
  tensors: Map<string, { shape: number[]; data: Float32Array }>;
  metadata: Record<string, string>;
}

/** A file, piece by piece. `size` in bytes is undefined if it is not known beforehand. */
export interface Pieces {
  size: number | undefined;
  pieces: AsyncIterable<Uint8Array>;
}

/**
 * Fetches a URL piece by piece.
 * @throws InputError if it cannot be reached, or if the connection ends early.
 */
export async function openUrl(url: string | URL, signal?: AbortSignal): Promise<Pieces> {
  return openResponse(await fetchFile(url, signal), url, signal);
}

/** The answer of a server. @throws InputError with the reason if there is none; the signal's reason if that was aborted. */
export const fetchFile = (url: string | URL, signal?: AbortSignal, options: RequestInit = {}): Promise<Response> =>
  fetch(url, { ...options, signal: signal ?? null }).catch((error) => throwUnreadable(url, error, signal));

/** Whether something is a Response, of the built-in `fetch` or of a library. Those share no class, so their fields are looked at. */
export const isResponse = (value: object): value is Response =>
  'ok' in value && 'status' in value && 'headers' in value && 'body' in value;

/**
 * The body of a response piece by piece.
 * @throws InputError if the response is not a whole file, if its body has been read already, or if the connection ends early.
 */
export function openResponse(response: Response, url: string | URL = response.url, signal?: AbortSignal): Pieces {
  const { body, ok, status, bodyUsed, headers } = response;
  if (bodyUsed || body?.locked) {
    throw new InputError('the body of a Response was read already', { hint: 'hand in response.clone(), or its bytes' });
  }
  // Status 206 means a part of a file. A page gets status 0 for a file of another site that does not allow it to be read.
  if (!ok || !body || status === 206) {
    throw unreadable(url, `HTTP status ${status}`, status === 0 ? { hint: 'fetch it with CORS' } : {});
  }
  const length = Number(headers.get('content-length'));
  const encoded = headers.get('content-encoding');
  async function* pieces() {
    try {
      yield* streamPieces(body!);
    } catch (error) {
      throwUnreadable(url, error as Error, signal);
    }
  }
  return { size: length > 0 && !encoded ? length : undefined, pieces: pieces() };
}

const unreadable = (url: string | URL, given: string, more: ErrorDetails = {}) =>
  new InputError(`cannot read ${url || 'a Response'}`, { expected: 'a URL that answers with a file', given, ...more });

/** The message of a failed `fetch` is only "fetch failed"; the reason is in its cause. */
function throwUnreadable(url: string | URL, error: Error, signal?: AbortSignal): never {
  signal?.throwIfAborted();
  const why = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  throw unreadable(url, `${error.message}${why}`, { cause: error });
}

/** Iterates over the pieces of a stream, which not every browser lets `for await` do. */
export async function* streamPieces(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
