/**
 * Unpacks the archives of the npm package `@sparticuz/chromium`, once for each user and version. The package can unpack them itself, but
 * under fixed names in the shared temporary folder, where a killed process, or a second one at the same time, leaves incomplete files.
 */
import {
  createReadStream,
  createWriteStream,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { GpuUnavailableError } from '../../errors.js';

const PACKAGE = '@sparticuz/chromium';
const MANIFEST = 'contents.json';
/** After this time an unfinished folder surely belongs to a process that was killed. */
const STALE_MS = 60 * 60_000;

interface TarFs {
  extract(folder: string, options: { chown: boolean }): Writable;
}

/** The package's folder, its version, and the tar reader that it depends on. */
function locatePackage(purpose: string): { folder: string; version: string; tar: TarFs } {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new GpuUnavailableError(`${purpose} cannot come from ${PACKAGE} here`, {
      expected: 'Linux on x64',
      given: `${process.platform} on ${process.arch}`,
    });
  }
  try {
    const entry = createRequire(import.meta.url).resolve(PACKAGE);
    const folder = join(dirname(entry), '../..'); // the entry is build/cjs/index.cjs
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return { folder, version, tar: createRequire(entry)('tar-fs') };
  } catch (cause) {
    throw new GpuUnavailableError(`${purpose} needs the npm package ${PACKAGE}, which could not be loaded`, {
      hint: `install it: npm install ${PACKAGE}@147.0.0`,
      cause,
    });
  }
}

/** A folder that no other user can write to. This matters because libraries are loaded from it. */
function cacheFolder(): string {
  const wanted = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'raybox');
  try {
    mkdirSync(wanted, { recursive: true, mode: 0o700 });
    rmSync(mkdtempSync(join(wanted, 'probe-')), { recursive: true });
    return wanted;
  } catch {
    const user = process.getuid?.() ?? 0;
    const fallback = join(tmpdir(), `raybox-${user}`);
    mkdirSync(fallback, { recursive: true, mode: 0o700 });
    const stat = lstatSync(fallback);
    if (stat.isDirectory() && stat.uid === user && (stat.mode & 0o022) === 0) return fallback;
    throw new GpuUnavailableError('there is no folder to unpack libraries into', {
      expected: `${wanted}, or ${fallback} owned by this user alone`,
      hint: 'set XDG_CACHE_HOME to a folder of your own',
    });
  }
}

function fileSizes(folder: string): Record<string, number> {
  const names = readdirSync(folder, { recursive: true }).map(String).sort();
  const files = names.map((name) => [name, statSync(join(folder, name))] as const);
  return Object.fromEntries(
    files.filter(([name, stat]) => stat.isFile() && name !== MANIFEST).map(([name, stat]) => [name, stat.size]),
  );
}

/** Whether all files are there. Many systems clean temporary folders file by file, so it is not enough that the folder exists. */
function isComplete(folder: string): boolean {
  try {
    return readFileSync(join(folder, MANIFEST), 'utf8') === JSON.stringify(fileSizes(folder));
  } catch {
    return false;
  }
}

async function unpackArchive(archive: string, folder: string, tar: TarFs): Promise<void> {
  const target = archive.endsWith('.tar.br')
    ? tar.extract(folder, { chown: false }) // otherwise, for root, files would belong to the users named in the archive
    : createWriteStream(join(folder, basename(archive, '.br')), { mode: 0o755 });
  await pipeline(createReadStream(archive), createBrotliDecompress(), target);
}

/** Removes unfinished folders of killed processes. */
function sweep(cache: string): void {
  for (const name of readdirSync(cache).filter((name) => name.startsWith('partial-'))) {
    const path = join(cache, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > STALE_MS) rmSync(path, { recursive: true, force: true });
  }
}

/**
 * Unpacks `archives` (names in the package's `bin`) together into one folder of the user's cache. Several processes may do so at once: each
 * unpacks into a folder of its own and then renames it.
 *
 * @param name the first part of the folder's name; the package's version is added.
 * @param purpose what the files are for, for error messages.
 * @returns the path of the folder.
 * @throws GpuUnavailableError if the package is missing or not made for this machine.
 */
export async function unpack(name: string, archives: string[], purpose: string): Promise<string> {
  const { folder: source, version, tar } = locatePackage(purpose);
  const cache = cacheFolder();
  const target = join(cache, `${name}-${version}`);
  if (isComplete(target)) return target;

  sweep(cache);
  const partial = mkdtempSync(join(cache, 'partial-'));
  try {
    const fresh = join(partial, 'fresh');
    mkdirSync(fresh);
    await Promise.all(archives.map((archive) => unpackArchive(join(source, 'bin', archive), fresh, tar)));
    writeFileSync(join(fresh, MANIFEST), JSON.stringify(fileSizes(fresh)));
    if (!isComplete(target)) {
      moveIfThere(target, join(partial, 'damaged'));
      moveIfFree(fresh, target);
    }
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return target;
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Renames a folder, unless another process has put its copy there in the meantime, which is just as good. */
function moveIfFree(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}
