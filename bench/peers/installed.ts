/** Where the peers are installed: in a package of their own, `bench/peers`, or else beside raybox. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MissingEngine } from './missing.js';

// This module is in dist/bench/peers, or in a bundle in dist/bench.
const here = dirname(fileURLToPath(import.meta.url));
export const root = join(here, here.endsWith('peers') ? '../../..' : '../..');
export const peersFolder = join(root, 'bench/peers');

/** The folder that a package is installed for. @throws MissingEngine if it is not installed */
function ownerOf(name: string): string {
  const found = [peersFolder, root].find((folder) => existsSync(join(folder, 'node_modules', name, 'package.json')));
  if (found) return found;
  throw new MissingEngine(`${name} is not installed: npm ci --ignore-scripts --prefix bench/peers`);
}

export const packageFolder = (name: string): string => join(ownerOf(name), 'node_modules', name);

export const versionOf = (name: string): string =>
  (JSON.parse(readFileSync(join(packageFolder(name), 'package.json'), 'utf8')) as { version: string }).version;

/** Imports a package of the peers. */
export async function importPeer<T>(name: string): Promise<T> {
  const { resolve } = createRequire(join(ownerOf(name), 'package.json'));
  return (await import(pathToFileURL(resolve(name)).href)) as T;
}
