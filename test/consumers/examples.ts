/** The page of examples as projects of users: its files as they stand, its commands with the packed package in raybox's place. */
import { readExample } from '../support/examples.js';
import type { Project } from './projects.js';

const example = (name: string, more: Partial<Project> & { from?: string } = {}): Project => {
  const { from, files, ...rest } = more;
  const shared = from === undefined ? {} : readExample(from).files;
  const own = readExample(name);
  return {
    name,
    install: [],
    files: { ...shared, ...own.files, ...files },
    commands: own.commands.map((command) => command.replace(/^npm install raybox/, 'npm install ../raybox.tgz')),
    ...rest,
  };
};

/** What `npm create vite@latest -- --template react-ts` writes, as far as it matters here. */
const VITE_REACT = {
  'index.html':
    '<!doctype html><meta charset="utf-8"><title>app</title><div id="root"></div><script type="module" src="/src/main.tsx"></script>',
  'src/main.tsx':
    "import { StrictMode } from 'react';\nimport { createRoot } from 'react-dom/client';\nimport App from './App.tsx';\n\ncreateRoot(document.getElementById('root')!).render(\n  <StrictMode>\n    <App />\n  </StrictMode>,\n);\n",
  'vite.config.ts':
    "import react from '@vitejs/plugin-react';\nimport { defineConfig } from 'vite';\n\nexport default defineConfig({ plugins: [react()] });\n",
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      ...{ target: 'ES2023', lib: ['ES2023', 'DOM', 'DOM.Iterable'], module: 'ESNext', types: ['vite/client'] },
      ...{ moduleResolution: 'bundler', allowImportingTsExtensions: true, verbatimModuleSyntax: true, noEmit: true },
      ...{ skipLibCheck: true, jsx: 'react-jsx', strict: true, noUnusedLocals: true, noUnusedParameters: true },
      ...{ erasableSyntaxOnly: true, moduleDetection: 'force' },
    },
    include: ['src'],
  }),
};

/** Sends the endpoint normal requests, and requests that it should refuse. Prints the findings. */
const CLIENT = `import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const server = spawn(process.execPath, ['server.mjs'], { env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
const url = await new Promise((resolve, reject) => {
  server.stdout.on('data', (text) => resolve(String(text).trim()));
  server.on('exit', (code) => reject(new Error('the server ended with ' + code)));
});
const chest = readFileSync('chest.png');
const post = (body, type, signal) =>
  fetch(url + '/findings', { method: 'POST', body, headers: { 'content-type': type }, signal });
const wanted = async (status, response) => {
  const text = await response.text();
  if (response.status !== status) throw new Error('expected ' + status + ', got ' + response.status + ' ' + text);
  return JSON.parse(text);
};
const truth = await wanted(200, await post(chest, 'image/png'));
const many = await Promise.all(Array.from({ length: 8 }, () => post(chest, 'image/png').then((response) => wanted(200, response))));
if (many.some((one) => JSON.stringify(one) !== JSON.stringify(truth))) throw new Error('eight at once answer differently');

// Nine clients disconnect at once and one stays. It must not have to wait for the requests of the others.
const gone = new AbortController();
const left = Array.from({ length: 9 }, () => post(chest, 'image/png', gone.signal).then(() => 'answered', (error) => error.name));
setTimeout(() => gone.abort(), 20);
const names = await Promise.all(left);
if (!names.includes('AbortError')) throw new Error('nobody went away');
await wanted(200, await post(chest, 'image/png'));

const { error } = await wanted(400, await post('no picture', 'image/png'));
if (!/not a PNG/.test(error)) throw new Error('says nothing about the image: ' + error);
await wanted(400, await post(chest.subarray(0, 2000), 'image/png'));
await wanted(400, await fetch(url + '/findings', { method: 'POST' }));
await wanted(415, await post('{', 'text/html'));
await wanted(413, await post(new Uint8Array(33 << 20), 'image/png').catch(() => new Response('{}', { status: 413 })));
await wanted(200, await post(chest, 'image/png'));

server.removeAllListeners('exit');
server.kill('SIGTERM');
const [code, signal] = await new Promise((resolve) => server.on('exit', (...how) => resolve(how)));
if (code !== 0) throw new Error('SIGTERM ended the server with ' + (code ?? signal));
for (const { label, score, box } of truth.findings) {
  console.log(label + ' ' + score.toFixed(2) + ' at ' + box.x + ', ' + box.y + ': ' + box.width + ' × ' + box.height);
}
`;

const PYTHON = process.env.PYTHON ?? 'python3';

const fastify = example('A Fastify endpoint', { files: { 'client.mjs': CLIENT } });
const verified = example('Weights of your own, verified');

export const EXAMPLE_PROJECTS: readonly Project[] = [
  example('A plain page', { page: '.' }),
  example('A web worker', { page: 'dist' }),
  example('Vite, React and TypeScript', {
    install: ['vite', 'typescript', '@vitejs/plugin-react', 'react', 'react-dom', '@types/react', '@types/react-dom'],
    files: VITE_REACT,
    page: 'dist',
  }),
  example('Next.js', { page: 'out' }),
  example('A Node script'),
  example('Deno', {
    from: 'A Node script',
    install: ['@deno/linux-x64-glibc', '@sparticuz/chromium'],
    programs: ['node_modules/@deno/linux-x64-glibc'],
  }),
  example('Bun', {
    from: 'A Node script',
    install: ['@oven/bun-linux-x64-baseline'],
    programs: ['node_modules/@oven/bun-linux-x64-baseline/bin'],
  }),
  { ...fastify, commands: fastify.commands.map((command) => command.replace('node server.mjs', 'node client.mjs')) },
  example('An operation of your own, in WGSL', { tells: /^1938 values, at most \d\.\de-[67] from the reference$/ }),
  {
    ...verified,
    commands: verified.commands.map((command) => command.replace(/^python3/, PYTHON)),
    tells: /^3 classes, at most \d\.\de-[678] of the range from PyTorch$/,
    needs: `${PYTHON} -c 'import torch, torchvision, PIL'`,
  },
];
