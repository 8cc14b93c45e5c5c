/** What `#gpu` gives: the one seam between raybox and where it runs: `node/platform.ts` (Node and Bun), `node/deno.ts`, `web/platform.ts`. */
import { type ErrorDetails, InputError } from '../errors.js';
import type { Warning } from '../warnings.js';

export interface Platform {
  readonly name: 'node' | 'deno' | 'web';
  /** The WebGPU entry point. `adapter` chooses one by name where there are several (see RAYBOX_ADAPTER). */
  gpu(options: { adapter?: string; dawn?: readonly string[] }): Promise<GPU>;
  /** Reads a path or URL piece by piece. */
  open(source: string | URL, signal?: AbortSignal): Promise<Pieces>;
  /**
   * Files that are kept between runs: in `folder`, which only platforms with a file system take, else in the platform's own place.
   * Undefined where there is none.
   * @throws Error where it may not be used.
   */
  keep?(folder?: string): Promise<KeptFiles | undefined>;
  /** Pixels of a file in a format that this platform decodes and raybox does not; undefined for every other format. */
  decode?(bytes: Uint8Array, limits: ImageLimits): Promise<PlatformPixels | undefined>;
  /** Pixels of something that this platform draws with (a canvas, say), or undefined where it is nothing of the kind. */
  pixels?(drawable: object, limits: ImageLimits): Promise<PlatformPixels | undefined>;
  /** @throws GpuUnavailableError for an adapter that accepts calls and computes nothing. */
  refuse?(info: GPUAdapterInfo): void;
  /** An environment variable; in a page, the search parameter of the same name. */
  environment(name: string): string | undefined;
  /** Called once an adapter is in use that computes on the CPU, so that waiting for it takes no core away from it. */
  easeWaiting?(): void;
}

/** Files that are kept between runs, by key. What is read may be damaged, and has to be checked. */
export interface KeptFiles {
  /** The file, and the note that was written with it. Undefined where there is none, or one of more than `maxBytes`. */
  read(key: string, maxBytes: number): Promise<{ bytes: Uint8Array; note: string } | undefined>;
  /** Writes both, or neither. @throws Error where they cannot be written. */
  write(key: string, bytes: Uint8Array, note: string): Promise<void>;
}

/** Of the options of `localize`. */
export interface ImageLimits {
  maxImageBytes?: number | undefined;
}

/** An `Image` of `formats/pixels.ts`, which this part does not know. */
export interface PlatformPixels {
  data: Uint8Array;
  width: number;
  height: number;
  channels: 3 | 4;
  warnings?: readonly Warning[];
}

/** A file, piece by piece. `size` is undefined where nobody says it. */
export interface Pieces {
  size: number | undefined;
  pieces: AsyncIterable<Uint8Array>;
}

/**
 * Fetches a URL piece by piece.
 * @throws InputError where it cannot be reached, or the connection ends early.
 */
export async function openUrl(url: string | URL, signal?: AbortSignal): Promise<Pieces> {
  return openResponse(await fetchFile(url, signal), url, signal);
}

/** What a server answers. @throws InputError where it does not, saying why; the signal's reason where that was aborted */
export const fetchFile = (url: string | URL, signal?: AbortSignal, options: RequestInit = {}): Promise<Response> =>
  fetch(url, { ...options, signal: signal ?? null }).catch((error) => throwUnreadable(url, error, signal));

/** Whether something is what `fetch` gives, here or in a library. */
export const isResponse = (value: object): value is Response =>
  'ok' in value && 'status' in value && 'headers' in value && 'body' in value;

/**
 * The body of a response piece by piece.
 * @throws InputError for a response that is no whole file, or whose body was read already; where the connection ends early.
 */
export function openResponse(response: Response, url: string | URL = response.url, signal?: AbortSignal): Pieces {
  const { body, ok, status, bodyUsed, headers } = response;
  if (bodyUsed || body?.locked) {
    throw new InputError('the body of a Response was read already', { hint: 'hand in response.clone(), or its bytes' });
  }
  // 206 is a part of a file. 0 is what a page gets of another site that does not let it look.
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

/** `fetch` says "fetch failed", and why only in the cause. */
function throwUnreadable(url: string | URL, error: Error, signal?: AbortSignal): never {
  signal?.throwIfAborted();
  const why = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  throw unreadable(url, `${error.message}${why}`, { cause: error });
}

/** A stream piece by piece; not every browser lets a ReadableStream be iterated. */
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
