/** Reads a file under test/fixtures: from disk in Node, from the test server in a page. */
export async function readFixture(path: string): Promise<Uint8Array> {
  if (typeof process === 'undefined') {
    const response = await fetch(`/fixtures/${path}`);
    if (!response.ok) throw new Error(`cannot read the fixture ${path}: HTTP status ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } else {
    // In this branch, so that a bundler for pages, told that there is no `process`, leaves it out.
    const { readFile } = await import('node:fs/promises');
    return new Uint8Array(await readFile(new URL(`../../../test/fixtures/${path}`, import.meta.url)));
  }
}
