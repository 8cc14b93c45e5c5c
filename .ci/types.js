// Compiles a user's file against the emitted declarations: with TypeScript 5.9 without any WebGPU types, with @webgpu/types, and with
// TypeScript 7, whose DOM types bring their own. Library checks stay on, so that every declaration that is reached must hold.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'raybox-types-'));
const modules = join(folder, 'node_modules');
mkdirSync(join(modules, '@webgpu'), { recursive: true });
mkdirSync(join(modules, '@types'));
for (const name of ['@types/react', 'preact', 'csstype'])
  symlinkSync(join(root, 'node_modules', name), join(modules, name));
symlinkSync(root, join(modules, 'raybox'));
symlinkSync(join(root, 'node_modules/@webgpu/types'), join(modules, '@webgpu/types'));

const user = `
import { InputError, load, type Localization, type Localizer, toCOCO } from 'raybox';
import { RayboxOverlay, type SelectDetail } from 'raybox/overlay';
import { overlayPng } from 'raybox/overlay/png';
const localizer: Localizer = await load('weights.safetensors', { onProgress: (done: number) => console.log(done) });
const result: Localization = await localizer.localize({ data: new Uint8Array(4), width: 2, height: 2 });
const labels: string[] = result.findings.map((finding) => finding.label);
const wide: number = result.findings[0]!.box.width;
toCOCO([result], ['a.png'], localizer.classes);
const png: Uint8Array = await overlayPng('a.png', result, { metadata: localizer.metadata });
console.log(labels, wide, png, new InputError('x') instanceof Error);
const overlay: RayboxOverlay = document.querySelector('raybox-overlay')!;
overlay.image = document.createElement('canvas');
overlay.result = result;
overlay.addEventListener('raybox-select', (event) => console.log((event as CustomEvent<SelectDetail>).detail.label));
// @ts-expect-error a finding has no such field
result.findings[0].colour;
`;
const withDevice = `
import { load } from 'raybox';
declare const device: GPUDevice;
await load('weights.safetensors', { device });
// @ts-expect-error not a device
await load('weights.safetensors', { device: 3 });
`;
const jsx = (framework) => `
import 'raybox/overlay/${framework}';
import type { Localization } from 'raybox';
declare const result: Localization;
export const one = <raybox-overlay class="xray" result={result} opacity={0.5} onraybox-select={(event) => console.log(event.detail.label)} />;
// @ts-expect-error an opacity is a number
export const wrong = <raybox-overlay opacity="half" />;
`;
const using = `
import { load } from 'raybox';
await using localizer = await load('weights.safetensors');
console.log(localizer.classes, [...localizer.classes.entries()]);
`;
writeFileSync(join(folder, 'user.ts'), user);
writeFileSync(join(folder, 'device.ts'), withDevice);
writeFileSync(join(folder, 'using.ts'), using);
writeFileSync(join(folder, 'react.tsx'), jsx('react').replace('class=', 'className='));
writeFileSync(join(folder, 'preact.tsx'), jsx('preact'));

writeFileSync(join(folder, 'package.json'), '{"type": "module"}');

const least = ['es2022', 'dom'];
const runs = [
  ['5.9', 'ES2022 and DOM alone', 'nodenext', least, ['user.ts'], []],
  ['5.9', 'with `await using`', 'nodenext', [...least, 'esnext.disposable'], ['user.ts', 'using.ts'], []],
  ['5.9', 'with @webgpu/types', 'nodenext', least, ['user.ts', 'device.ts'], ['@webgpu/types']],
  ['5.9', 'under node16', 'node16', least, ['user.ts'], []],
  ['5.9', 'for a bundler', 'bundler', least, ['user.ts'], []],
  [
    '5.9',
    'in React',
    'bundler',
    [...least, 'dom.iterable'],
    ['react.tsx'],
    [],
    { jsx: 'react-jsx', skipLibCheck: true },
  ],
  [
    '5.9',
    'in Preact',
    'bundler',
    [...least, 'dom.iterable'],
    ['preact.tsx'],
    [],
    { jsx: 'react-jsx', jsxImportSource: 'preact', skipLibCheck: true },
  ],
  ['7', 'with its own DOM types', 'nodenext', least, ['user.ts', 'device.ts'], []],
  ['7', 'for a bundler, with `await using`', 'bundler', [...least, 'esnext.disposable'], ['user.ts', 'using.ts'], []],
];
/** The compiler's own declarations, which all runs share: parsing them takes most of a run's time. */
const parsedLibraries = new Map();

/** What TypeScript 5.9 says about the files. */
function problemsIn59(files, options) {
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (name, ...more) => {
    if (!/\/typescript\/lib\/lib\.[\w.]+\.d\.ts$/.test(name)) return getSourceFile(name, ...more);
    if (!parsedLibraries.has(name)) parsedLibraries.set(name, getSourceFile(name, ...more));
    return parsedLibraries.get(name);
  };
  const program = ts.createProgram(files, options, host);
  return ts.formatDiagnostics(ts.getPreEmitDiagnostics(program), host);
}

const run = promisify(execFile);
const problemsIn7 = (config) =>
  run(process.execPath, [join(root, 'node_modules/typescript-7/bin/tsc'), '-p', config]).then(
    () => '',
    (error) => `${error.stdout}${error.stderr}`,
  );

let failed = 0;
for (const [index, [version, what, resolution, lib, files, types, more = {}]] of runs.entries()) {
  const modules = resolution === 'bundler' ? { module: 'esnext', moduleResolution: 'bundler' } : { module: resolution };
  // The compiler's own declarations are not checked. All others are, unless a framework's are not right by themselves.
  const common = { strict: true, noEmit: true, skipDefaultLibCheck: true, target: 'es2022' };
  const compilerOptions = { ...common, ...modules, lib, types, ...more };
  const config = join(folder, `tsconfig.${index}.json`);
  writeFileSync(config, JSON.stringify({ compilerOptions, files }));
  const parsed = ts.getParsedCommandLineOfConfigFile(
    config,
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic() {} },
  );
  const problems = version === '7' ? await problemsIn7(config) : problemsIn59(parsed.fileNames, parsed.options);
  if (problems) failed++;
  console.log(`${problems ? 'FAIL' : 'ok  '} TypeScript ${version} ${what}\n${problems}`.trimEnd());
}
rmSync(folder, { recursive: true });
process.exit(failed > 0 ? 1 : 0);
