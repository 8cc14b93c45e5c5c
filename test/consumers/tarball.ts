/** Checks the contents of the package: its size, and that it has no links to missing files and names no missing source maps. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** The most that an installation of raybox alone may take, of which 8.6 MB are the weights chest8. */
const LIMIT_BYTES = 17_500_000;

/** @returns a line about it. @throws Error with everything that is wrong */
export async function checkTarball(folder: string): Promise<string> {
  execFileSync('tar', ['-xzf', join(folder, 'raybox.tgz'), '-C', folder]);
  const root = join(folder, 'package');
  const names = (readdirSync(root, { recursive: true }) as string[]).filter((name) =>
    statSync(join(root, name)).isFile(),
  );
  const read = (name: string) => readFileSync(join(root, name), 'utf8');
  const wrong: string[] = [];
  for (const name of names.filter((one) => /\.(js|d\.ts)$/.test(one))) {
    const [, map] = /^\/\/# sourceMappingURL=(.+)$/m.exec(read(name)) ?? [];
    if (map && !existsSync(join(root, name, '..', map)))
      wrong.push(`${name} names ${map}, which is not there (of an earlier build? node .ci/build.js --clean)`);
  }
  const { exports, imports, bin, unpkg, jsdelivr, dependencies } = JSON.parse(read('package.json'));
  const targets = pathsIn([exports, imports, bin, unpkg, jsdelivr]);
  for (const target of targets) if (!names.includes(target.slice(2))) wrong.push(`${target} is not there`);
  if (dependencies) wrong.push(`it depends on ${Object.keys(dependencies)}`);
  const bytes = names.reduce((sum, name) => sum + statSync(join(root, name)).size, 0);
  if (bytes > LIMIT_BYTES) wrong.push(`${bytes} bytes unpacked, expected at most ${LIMIT_BYTES}`);
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  return `${names.length} files, ${(bytes / 1e6).toFixed(1)} MB unpacked, ${targets.length} places in package.json`;
}

/** The files that fields of package.json name, without patterns. */
const pathsIn = (value: unknown): string[] =>
  typeof value === 'object'
    ? Object.values(value as object).flatMap(pathsIn)
    : [String(value)].filter((path) => !path.includes('*'));
