/**
 * Weights from the web that are kept on this machine, so that they are fetched once. What is kept is used only as long as it is whole
 * and still what the server has:
 *
 * 1. With the option `integrity`, a kept file of that hash is used, and nobody is asked.
 * 2. Otherwise the server is asked by a HEAD request. The kept file is used where the ETag is the same or, without one, where date
 *    (Last-Modified) and length are; where the server says neither, the file is fetched anew.
 * 3. Where the server does not answer that request within ten seconds, or fails (5xx), the kept file is used, with the warning
 *    `kept-weights`.
 * 4. Where it says that it has another file, and that does not come (the connection fails or stands still for half a minute, or the
 *    server fails), the kept file is used too, and the same warning says that it is an older one. But never one that `integrity`
 *    does not describe, and not where the server answers that there is no such file (4xx): then the message names what is kept.
 *
 * A HEAD request instead of a conditional GET, because pages may send one to other sites without asking for leave (CORS preflight).
 */
import { platform } from '#gpu';
import { InputError } from '../errors.js';
import { fetchFile, type KeptFiles, openResponse } from '../gpu/platform.js';
import type { Warning } from '../warnings.js';
import { readPieces } from './bytes.js';
import { checkIntegrity, hashOf } from './integrity.js';

export interface KeptOptions {
  /** Where files are kept, outside pages. Default: the user's cache folder. */
  folder?: string | undefined;
  integrity?: string | undefined;
  maxBytes: number;
  signal?: AbortSignal | undefined;
  onProgress?: ((done: number) => void) | undefined;
  /** So long may a download stand still. Default: half a minute. */
  stallMs?: number;
}

export interface KeptBytes {
  bytes: Uint8Array;
  warnings: readonly Warning[];
  /**
   * Where the bytes were fetched: keeps them, in place of what was kept before. To be called once they have been read, so that a page that
   * asks for a password, or a file that came cut, is never kept. Gives warnings where they cannot be kept.
   */
  keep?(): Promise<readonly Warning[]>;
}

/** What a server says of a file, by which a change shows. */
interface Version {
  etag?: string | undefined;
  modified?: string | undefined;
  length?: string | undefined;
}

/** Written down beside the kept file. */
interface Note extends Version {
  sha256: string;
  /** When it was fetched, as ISO 8601. */
  fetched: string;
}

const ANSWER_MS = 10_000;
const STALL_MS = 30_000;

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/**
 * The bytes of an address, from what is kept or from the server.
 * @returns warnings where nothing could be kept, or where the server could not be asked
 * @throws InputError for what is no web address, cannot be fetched, is too large or does not fit `integrity`
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
  const use = (from: Kept, warnings: Warning[]): KeptBytes => {
    onProgress?.(1);
    return { bytes: from.bytes, warnings };
  };
  if (kept) {
    const state = integrity ? await stateByHash(kept.bytes, integrity) : await askServer(url, kept.note, signal);
    if (state === 'same') return use(kept, []);
    if (state !== 'changed') return use(kept, [unasked(kept.note, state)]);
  }
  const fetched = await fetchWhole(url, options);
  if ('bytes' in fetched) return { bytes: fetched.bytes, warnings: [], keep: () => write(files, key, fetched) };
  const { failure, isBroken } = fetched;
  if (!kept) throw failure;
  if (isBroken && !integrity) return use(kept, [outdated(kept.note, failure)]);
  throw new InputError(`${failure.message}; ${keptInstead(kept.note, integrity)}`, { cause: failure });
}

async function write(files: KeptFiles, key: string, { bytes, version }: Fetched): Promise<Warning[]> {
  const note: Note = { ...version, sha256: hex(await hashOf(bytes, 'sha256')), fetched: new Date().toISOString() };
  return files.write(key, bytes, JSON.stringify(note)).then(
    () => [],
    (error: unknown) => [notKept(error)],
  );
}

function webAddress(source: unknown): string {
  const isAddress = typeof source === 'string' || source instanceof URL;
  try {
    if (!isAddress) throw new TypeError();
    const url = new URL(new Request(source).url); // a page resolves what is relative
    url.hash = '';
    if (/^https?:$/.test(url.protocol)) return url.href;
  } catch {
    // told below
  }
  throw new InputError('cache keeps weights that come from the web', {
    expected: 'an address with http or https',
    given: isAddress ? String(source).slice(0, 200) : Object.prototype.toString.call(source),
    hint: 'leave the option cache out',
  });
}

interface Kept {
  bytes: Uint8Array;
  note: Note;
}

/** Undefined where nothing is kept, or it is damaged: then it is fetched anew. */
async function readKept(files: KeptFiles, key: string, maxBytes: number): Promise<Kept | undefined> {
  try {
    const kept = await files.read(key, maxBytes);
    if (!kept) return undefined;
    const note = JSON.parse(kept.note) as Note;
    return note.sha256 === hex(await hashOf(kept.bytes, 'sha256')) ? { bytes: kept.bytes, note } : undefined;
  } catch {
    return undefined;
  }
}

const stateByHash = (bytes: Uint8Array, integrity: string): Promise<'same' | 'changed'> =>
  checkIntegrity(bytes, integrity, '').then(
    () => 'same',
    () => 'changed',
  );

/** Whether the server still has what is kept; or an error that says why it cannot be asked. */
async function askServer(
  url: string,
  note: Note,
  signal: AbortSignal | undefined,
): Promise<'same' | 'changed' | Error> {
  signal?.throwIfAborted();
  const patience = new AbortController();
  const stop = () => patience.abort();
  const timer = setTimeout(stop, ANSWER_MS);
  signal?.addEventListener('abort', stop);
  try {
    const response = await fetch(url, { method: 'HEAD', cache: 'no-cache', signal: patience.signal });
    if (response.status >= 500 && response.status !== 501) return new Error(`HTTP status ${response.status}`);
    return response.ok && isSame(versionOf(response), note) ? 'same' : 'changed';
  } catch (error) {
    signal?.throwIfAborted();
    return patience.signal.aborted ? new Error(`no answer within ${ANSWER_MS / 1000} s`) : (error as Error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

function versionOf({ headers }: Response): Version {
  const told = (name: string) => headers.get(name) ?? undefined;
  const length = headers.get('content-encoding') ? undefined : told('content-length');
  return { etag: told('etag'), modified: told('last-modified'), length };
}

function isSame(now: Version, then: Version): boolean {
  if (now.etag || then.etag) return now.etag === then.etag;
  return now.modified !== undefined && now.modified === then.modified && now.length === then.length;
}

interface Fetched {
  bytes: Uint8Array;
  version: Version;
}

/** Why a file did not come. `isBroken`: the server would give it, but it, or the connection, fails. */
interface Unfetched {
  failure: InputError;
  isBroken: boolean;
}

/**
 * The file, or why the server does not give it.
 * @throws InputError for a file that is too large or does not fit `integrity`; the signal's reason where that was aborted
 */
async function fetchWhole(url: string, options: KeptOptions): Promise<Fetched | Unfetched> {
  const { integrity, maxBytes, signal, onProgress, stallMs = STALL_MS } = options;
  const patience = watch(url, stallMs, signal);
  let status = 0;
  try {
    // Past the browser's own cache, which might give an older file than the server's answer to the HEAD request was about.
    const response = await fetchFile(url, patience.signal, { cache: 'no-store' });
    ({ status } = response);
    const { size, pieces } = openResponse(response, url, patience.signal);
    const renewing = { size, pieces: eachRenewing(pieces, patience.renew) };
    const bytes = await readPieces(renewing, { what: `weights ${url}`, maxBytes, onProgress });
    if (integrity) await checkIntegrity(bytes, integrity, `weights ${url}`);
    return { bytes, version: versionOf(response) };
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof InputError)) throw error;
    // What a connection dies of is the error's cause.
    const isBroken = patience.signal.aborted || status >= 500 || error.cause !== undefined;
    if (!isBroken && status < 300) throw error;
    return { failure: error, isBroken };
  } finally {
    patience.end();
  }
}

/** A signal that is aborted where `renew` is not called for so long, or with another signal. */
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
  const fetched = await fetchWhole(url, options);
  if ('failure' in fetched) throw fetched.failure;
  return { bytes: fetched.bytes, warnings: [notKept(reason)] };
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

/** What to do with a kept file that must not be used in the place of another without being asked for. */
function keptInstead({ fetched, sha256 }: Note, integrity: string | undefined): string {
  if (integrity) return `what is kept, fetched at ${fetched}, is not the file that the option integrity describes`;
  const bytes = sha256.match(/../g) ?? [];
  const hash = btoa(String.fromCharCode(...bytes.map((byte) => Number.parseInt(byte, 16))));
  return `the file that is kept, fetched at ${fetched}, is used where the option integrity is sha256-${hash}`;
}
