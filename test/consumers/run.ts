/**
 * Packs raybox as it is published, and uses the package in fresh folders as its users do: bundlers, frameworks, runtimes, and every
 * example of the page of examples.
 *
 *     npm run test:consumers -- [PART OF A NAME…]
 *
 * Every project localizes the same picture with the same weights on SwiftShader, and all must find the boxes that the engine finds here;
 * the case table of all kernels passes in Deno and, where it is installed, in Firefox. Takes minutes, and packages from the npm registry.
 * What PyTorch records is compared where Python has torch, torchvision and Pillow; `PYTHON` says which Python. `npm run check` runs what
 * takes seconds of it.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodePng } from '../../src/formats/images/png.js';
import { load } from '../../src/index.js';
import { drawPhantom } from '../../src/phantom/index.js';
import { verifyInFirefox } from './case_table.js';
import { EXAMPLE_PROJECTS } from './examples.js';
import { PROJECTS } from './projects.js';
import { checkTarball } from './tarball.js';
import { told, use } from './use.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const weights = join(root, 'weights/phantom8.safetensors');

const folder = mkdtempSync(join(tmpdir(), 'raybox-consumers-'));
const wanted = process.argv.slice(2);

/** Puts the package, the weights and the picture into the folder. @returns what every project must find */
async function prepare(): Promise<string> {
  execFileSync(process.execPath, ['.ci/build.js', '--package'], { cwd: root, stdio: 'pipe' });
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    stdio: 'pipe',
  });
  renameSync(join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz'))!), join(folder, 'raybox.tgz'));
  const { image } = drawPhantom({ seed: 9, index: 0, size: 256 });
  writeFileSync(join(folder, 'chest.png'), await encodePng({ ...image, channels: 1 }));
  copyFileSync(weights, join(folder, 'weights.safetensors'));
  const localizer = await load(weights, { adapter: 'swiftshader' });
  const { findings } = await localizer.localize(image);
  await localizer.close();
  return told(findings.map(({ label, box }) => [label, box.x, box.y, box.width, box.height].join(' ')));
}

const truth = await prepare();
console.log(
  `the package: ${(statSync(join(folder, 'raybox.tgz')).size / 1000).toFixed(0)} kB; in the picture: ${truth}`,
);
let [passed, failed, skipped] = [0, 0, 0];
const projects = [
  ...PROJECTS,
  ...EXAMPLE_PROJECTS.map((project) => ({ ...project, name: `example: ${project.name}` })),
];
const uses: { name: string; run(): Promise<string>; tells?: RegExp | undefined }[] = [
  { name: 'what is in the package', run: () => checkTarball(folder), tells: /./ },
  ...projects.map((project) => ({ name: project.name, run: () => use(project, folder), tells: project.tells })),
  { name: 'the case table in Firefox', run: verifyInFirefox, tells: /./ },
];
for (const { name, run, tells } of uses) {
  if (wanted.length > 0 && !wanted.some((part) => name.toLowerCase().includes(part.toLowerCase()))) continue;
  const started = performance.now();
  const result = await run().catch((error: Error) => `failed ${error.message}`);
  if (/^skipped/.test(result)) {
    skipped++;
    console.log(`${result} (${name})`);
    continue;
  }
  const right = tells ? tells.test(result) && !/^failed /.test(result) : result === truth;
  right ? passed++ : failed++;
  console.log(`${right ? 'ok  ' : 'FAIL'} ${name} (${((performance.now() - started) / 1000).toFixed(0)} s)`);
  if (tells || !right) console.log(`     ${result}`);
}
rmSync(folder, { recursive: true, force: true });
if (passed + failed + skipped === 0) {
  failed++;
  console.log(`no project has such a name; there are ${uses.map(({ name }) => name).join(', ')}`);
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 ? 1 : 0;
