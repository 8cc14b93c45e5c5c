/** What `#gpu` gives: the one seam between raybox and where it runs. Node's is `node/platform.ts`, a page's `web/platform.ts`. */
export interface Platform {
  readonly name: 'node' | 'web';
  /** The WebGPU entry point. `adapter` chooses one by name where there are several (see RAYBOX_ADAPTER). */
  gpu(options: { adapter?: string; dawn?: readonly string[] }): Promise<GPU>;
  /** Reads a path or URL piece by piece. `size` is undefined where the server does not say. */
  open(
    source: string | URL,
    signal?: AbortSignal,
  ): Promise<{ size: number | undefined; pieces: AsyncIterable<Uint8Array> }>;
  /** Pixels of something that this platform draws with (a canvas, say), or undefined where it is nothing of the kind. */
  pixels?(drawable: object): Promise<{ data: Uint8Array; width: number; height: number; channels: 4 } | undefined>;
  /** An environment variable; in a page, the search parameter of the same name. */
  environment(name: string): string | undefined;
  /**
   * Whether waiting for the GPU takes a core away from it: Node's `webgpu` spins on the main thread while a promise of
   * the device is pending, so most of the expected time is slept away first.
   */
  readonly spinsWhileWaiting: boolean;
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
