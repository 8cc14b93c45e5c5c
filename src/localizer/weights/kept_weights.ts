/**
 * Keeps weights from the web on this machine, so that they are fetched only once. A kept file is used if it is undamaged and if one of
 * these rules allows it:
 *
 * 1. With the option `integrity`, a kept file with that hash is used without a request to the server.
 * 2. Otherwise the server is asked by a HEAD request. The kept file is used if its ETag is the same. If the server gives no ETag, the
 *    date (Last-Modified) and the length have to be the same. If the server gives no date either, the file is fetched again.
 * 3. If the server does not answer that request within ten seconds, or fails (5xx), the kept file is used with the warning
 *    `kept-weights`.
 * 4. If the server has another file, but that cannot be fetched (the connection fails or gives nothing for half a minute, or the server
 *    fails), the kept file is used, and the same warning says that it is an older one. With `integrity` it is not used, because it has
 *    another hash. It is not used either if the server answers that there is no such file (4xx). The error then says what is kept.
 *
 * The request is a HEAD and not a conditional GET, because browsers send a HEAD to another origin without a CORS preflight request.
 */
import { platform } from '#gpu';
import { InputError } from '../../errors.js';
import { fetchFile, type GrowingKeptFile, type KeptFile, type KeptFiles, openResponse } from '../../gpu/platform.js';
import type { Warning } from '../../warnings.js';
import { askServer, type Version, versionOf } from './file_version.js';
import { type Algorithm, checkHash, hashOf } from './integrity.js';
import { hex, NotWrittenError, type Place, type Received, receive } from './received.js';

export interface KeptOptions {
  /** The folder where files are kept; not in pages. Default: the user's cache folder. */
  folder?: string | undefined;
  integrity?: string | undefined;
  maxBytes: number;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number) => void) | undefined;
  /** Milliseconds after which a download that receives nothing is given up. Default: half a minute. */
  stallMs?: number;
}

export interface KeptBytes {
  /** All bytes. Of a file on this machine they may only be read when they are asked for. */
  readonly bytes: Uint8Array;
  /** Gives the tensors of a file on this machine that need not be read as a whole; undefined for formats that have to be. */
  tensors?: NonNullable<KeptFile['inParts']>['tensors'] | undefined;
  warnings: readonly Warning[];
  /**
   * Keeps the bytes in place of those kept before; only there if they were fetched. It has to be called after they have been read as
   * weights, so that a login page or a truncated file is never kept. Returns warnings if they cannot be kept.
   */
  keep?(): Promise<readonly Warning[]>;
  /** Has to be called in place of `keep` if the bytes are not to be kept. */
  discard?(): Promise<void>;
}

/** Stored together with the kept file. */
interface Note extends Version {
  sha256: string;
  /** The time when the file was fetched, as ISO 8601. */
  fetched: string;
}

const STALL_MS = 30_000;

/**
 * The bytes of an address, from the kept file or from the server.
 * @returns the bytes, with warnings if nothing can be kept, or if a kept file is used that the server has not confirmed
 * @throws InputError if the source is not a web address, or if the file cannot be fetched, is too large or does not fit `integrity`
 */
export async function keptWeights(source: unknown, options: KeptOptions): Promise<KeptBytes> {
  const url = webAddress(source);
  const { integrity, maxBytes, signal, onProgress } = options;
  let files: KeptFiles | undefined;
  let key = '';
  try {
    files = await platform.keep?.(options.folder);
    key = hex(await hashOf(new TextEncoder().encode(url), 'sha256'));
  } catch (error) {
    return fetchOnly(url, options, error);
  }
  if (!files) return fetchOnly(url, options, new Error('there is no Cache API, which needs https or localhost'));
  const kept = await readKept(files, key, maxBytes);
  const use = ({ file }: Kept, warnings: Warning[]): KeptBytes => {
    onProgress?.(1);
    return useOf(file, warnings);
  };
  if (kept) {
    const state = integrity ? await stateByHash(kept.file, integrity) : await askServer(url, kept.note, signal);
    if (state === 'same') return use(kept, []);
    if (state !== 'changed') return use(kept, [unasked(kept.note, state)]);
  }
  const fetched = await fetchFor(files, key, url, options);
  if (!('failure' in fetched)) return fetched;
  const { failure, isBroken } = fetched;
  if (!kept) throw failure;
  if (isBroken && !integrity) return use(kept, [outdated(kept.note, failure)]);
  throw new InputError(`${failure.message}; ${keptInstead(kept.note, integrity)}`, { cause: failure });
}

const useOf = (file: Received['content'], warnings: Warning[]): KeptBytes => ({
  get bytes() {
    return file.bytes;
  },
  tensors: file.inParts?.tensors,
  warnings,
});

/** Fetches a file that is to be kept. If it cannot be written as it comes, it is fetched into memory. */
async function fetchFor(
  files: KeptFiles,
  key: string,
  url: string,
  options: KeptOptions,
): Promise<KeptBytes | Unfetched> {
  let growing: GrowingKeptFile | undefined;
  try {
    growing = await files.begin?.(key);
  } catch (error) {
    return fetchToUse(url, options, error);
  }
  try {
    const fetched = await fetchWhole(url, options, { files, key, growing });
    if ('failure' in fetched) {
      await growing?.discard();
      return fetched;
    }
    const keep = () =>
      fetched.keep().then(
        () => [],
        (error: unknown) => [notKept(error)],
      );
    return Object.assign(useOf(fetched.content, []), { keep, discard: fetched.discard });
  } catch (error) {
    await growing?.discard();
    if (error instanceof NotWrittenError) return fetchToUse(url, options, error);
    throw error;
  }
}

/** Fetches a file that cannot be kept for the given reason. */
async function fetchToUse(url: string, options: KeptOptions, reason: unknown): Promise<KeptBytes | Unfetched> {
  const fetched = await fetchWhole(url, options);
  return 'failure' in fetched ? fetched : { bytes: fetched.content.bytes, warnings: [notKept(reason)] };
}

function webAddress(source: unknown): string {
  const isAddress = typeof source === 'string' || source instanceof URL;
  try {
    if (!isAddress) throw new TypeError();
    const url = new URL(new Request(source).url); // in a page a relative address is resolved
    url.hash = '';
    if (/^https?:$/.test(url.protocol)) return url.href;
  } catch {
    // the error below is thrown
  }
  throw new InputError('cache keeps weights that come from the web', {
    expected: 'an address with http or https',
    given: isAddress ? String(source).slice(0, 200) : Object.prototype.toString.call(source),
    hint: 'leave the option cache out',
  });
}

interface Kept {
  file: KeptFile;
  note: Note;
}

const hashOfKept = async (kept: KeptFile, algorithm: Algorithm): Promise<Uint8Array> =>
  kept.inParts?.hashBy(algorithm) ?? hashOf(kept.bytes, algorithm);

/** Undefined if nothing is kept, or if the kept file is damaged. The file is then fetched again. */
async function readKept(files: KeptFiles, key: string, maxBytes: number): Promise<Kept | undefined> {
  try {
    const kept = await files.read(key, maxBytes);
    if (!kept) return undefined;
    const note = JSON.parse(kept.note) as Note;
    return note.sha256 === hex(await hashOfKept(kept, 'sha256')) ? { file: kept, note } : undefined;
  } catch {
    return undefined;
  }
}

const stateByHash = (kept: KeptFile, integrity: string): Promise<'same' | 'changed'> =>
  checkHash((algorithm) => hashOfKept(kept, algorithm), integrity, '').then(
    () => 'same',
    () => 'changed',
  );

/** Why a file was not fetched. `isBroken` means that the server or the connection failed; otherwise the server refused the request. */
interface Unfetched {
  failure: InputError;
  isBroken: boolean;
}

/**
 * Fetches a file, to the place where it is going to be kept if there is one. If the connection or the server fails, or the server refuses, the
 * reason is returned.
 * @throws InputError for a file that is too large or does not fit `integrity`; the signal's reason if that was aborted
 */
async function fetchWhole(url: string, options: KeptOptions, place?: Place): Promise<Received | Unfetched> {
  const { integrity, maxBytes, signal, onProgress, stallMs = STALL_MS } = options;
  const patience = watch(url, stallMs, signal);
  let status = 0;
  try {
    // The browser's own cache is not used, because it may hold an older file than the one that the HEAD request was answered for.
    const response = await fetchFile(url, patience.signal, { cache: 'no-store' });
    ({ status } = response);
    const { size, pieces } = openResponse(response, url, patience.signal);
    const renewing = { size, pieces: eachRenewing(pieces, patience.renew) };
    const version = versionOf(response);
    const noteOf = (sha256: string) =>
      JSON.stringify({ ...version, sha256, fetched: new Date().toISOString() } satisfies Note);
    return await receive(renewing, { what: `weights ${url}`, maxBytes, onProgress, integrity, noteOf }, place);
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof InputError)) throw error;
    // Only errors of a connection have a cause.
    const isBroken = patience.signal.aborted || status >= 500 || error.cause !== undefined;
    if (!isBroken && status < 300) throw error;
    return { failure: error, isBroken };
  } finally {
    patience.end();
  }
}

/** A signal that is aborted if `renew` is not called for `stallMs` milliseconds, or when `outer` is aborted. */
function watch(url: string, stallMs: number, outer: AbortSignal | undefined) {
  const controller = new AbortController();
  const { signal } = controller;
  const stop = () => controller.abort(outer?.reason);
  const expected = 'a URL that answers with a file';
  const give = () =>
    controller.abort(new InputError(`cannot read ${url}`, { expected, given: `nothing for ${stallMs / 1000} s` }));
  let timer = setTimeout(give, stallMs);
  if (outer?.aborted) stop();
  outer?.addEventListener('abort', stop);
  return {
    signal,
    renew() {
      clearTimeout(timer);
      timer = setTimeout(give, stallMs);
    },
    end() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', stop);
    },
  };
}

async function* eachRenewing(pieces: AsyncIterable<Uint8Array>, renew: () => void): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    renew();
    yield piece;
  }
}

async function fetchOnly(url: string, options: KeptOptions, reason: unknown): Promise<KeptBytes> {
  const fetched = await fetchToUse(url, options, reason);
  if ('failure' in fetched) throw fetched.failure;
  return fetched;
}

const notKept = (reason: unknown): Warning => ({
  code: 'not-kept',
  message: `the weights could not be kept here and will be fetched again next time: ${(reason as Error)?.message ?? reason}`,
});

const unasked = ({ fetched }: Note, { message }: Error): Warning => ({
  code: 'kept-weights',
  message: `the server could not be asked whether the weights are still the same (${message}): those fetched at ${fetched} were used`,
});

const outdated = ({ fetched }: Note, { message }: Error): Warning => ({
  code: 'kept-weights',
  message: `the server has other weights than those that are kept, and they could not be fetched (${message}): the older ones, fetched at ${fetched}, were used`,
});

/**
 * The part of an error's message that says what is kept. Such a file must not be used unasked, so without `integrity` the message gives the
 * hash by which the user can ask for it.
 */
function keptInstead({ fetched, sha256 }: Note, integrity: string | undefined): string {
  if (integrity) return `what is kept, fetched at ${fetched}, is not the file that the option integrity describes`;
  const bytes = sha256.match(/../g) ?? [];
  const hash = btoa(String.fromCharCode(...bytes.map((byte) => Number.parseInt(byte, 16))));
  return `the file that is kept, fetched at ${fetched}, is used where the option integrity is sha256-${hash}`;
}
