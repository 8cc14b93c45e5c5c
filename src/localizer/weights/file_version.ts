/** Asks a server whether it still has the version of a file that was kept. */

/** What a server says about a file. If it differs, the file may have changed. */
export interface Version {
  etag?: string | undefined;
  modified?: string | undefined;
  length?: string | undefined;
}

const ANSWER_MS = 10_000;

/** Whether the server still has the kept file, or an error that says why the server could not be asked. */
export async function askServer(
  url: string,
  then: Version,
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
    return response.ok && isSame(versionOf(response), then) ? 'same' : 'changed';
  } catch (error) {
    signal?.throwIfAborted();
    return patience.signal.aborted ? new Error(`no answer within ${ANSWER_MS / 1000} s`) : (error as Error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

export function versionOf({ headers }: Response): Version {
  const told = (name: string) => headers.get(name) ?? undefined;
  const length = headers.get('content-encoding') ? undefined : told('content-length');
  return { etag: told('etag'), modified: told('last-modified'), length };
}

function isSame(now: Version, then: Version): boolean {
  if (now.etag || then.etag) return now.etag === then.etag;
  return now.modified !== undefined && now.modified === then.modified && now.length === then.length;
}
