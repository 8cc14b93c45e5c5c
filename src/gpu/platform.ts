/** What `#gpu` gives: the one seam between raybox and where it runs: `node/platform.ts` (Node and Bun), `node/deno.ts`, `web/platform.ts`. */
import { InputError } from '../errors.js';

export interface Platform {
  readonly name: 'node' | 'deno' | 'web';
  /** The WebGPU entry point. `adapter` chooses one by name where there are several (see RAYBOX_ADAPTER). */
  gpu(options: { adapter?: string; dawn?: readonly string[] }): Promise<GPU>;
  /** Reads a path or URL piece by piece. `size` is undefined where the server does not say. */
  open(
    source: string | URL,
    signal?: AbortSignal,
  ): Promise<{ size: number | undefined; pieces: AsyncIterable<Uint8Array> }>;
  /** Pixels of something that this platform draws with (a canvas, say), or undefined where it is nothing of the kind. */
  pixels?(drawable: object): Promise<{ data: Uint8Array; width: number; height: number; channels: 4 } | undefined>;
  /** @throws GpuUnavailableError for an adapter that accepts calls and computes nothing. */
  refuse?(info: GPUAdapterInfo): void;
  /** An environment variable; in a page, the search parameter of the same name. */
  environment(name: string): string | undefined;
  /** Called once an adapter is in use that computes on the CPU, so that waiting for it takes no core away from it. */
  easeWaiting?(): void;
}

/**
 * Fetches a URL piece by piece.
 * @throws InputError where it cannot be reached, or the connection ends early.
 */
export async function openUrl(
  url: string | URL,
  signal?: AbortSignal,
): Promise<{ size: number | undefined; pieces: AsyncIterable<Uint8Array> }> {
  const unreadable = (given: string, cause?: unknown) =>
    new InputError(`cannot read ${url}`, { expected: 'a URL that answers with a file', given, cause });
  // `fetch` says "fetch failed", and why only in the cause.
  const failed = (error: Error) => {
    signal?.throwIfAborted();
    throw unreadable(`${error.message}${error.cause instanceof Error ? `: ${error.cause.message}` : ''}`, error);
  };
  const response = await fetch(url, { signal: signal ?? null }).catch(failed);
  const { body } = response;
  if (!response.ok || !body) throw unreadable(`HTTP status ${response.status}`);
  const length = Number(response.headers.get('content-length'));
  const encoded = response.headers.get('content-encoding');
  async function* pieces() {
    try {
      yield* streamPieces(body!);
    } catch (error) {
      failed(error as Error);
    }
  }
  return { size: length > 0 && !encoded ? length : undefined, pieces: pieces() };
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
