/**
 * Checks the pages beside the code: their links lead to files, their code runs, and their commands and options exist. The commands that made
 * the shipped weights run completely, with smaller numbers.
 */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertLinks, type Page, readPage } from '../support/markdown.js';

const root = new URL('../../../', import.meta.url).pathname;
const cli = join(root, 'dist/src/cli/cli.js');
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'raybox-docs-'));
test.after(() => rmSync(folder, { recursive: true }));

const pages = [
  'CONTRIBUTING.md',
  'kernels/README.md',
  'bench/README.md',
  'bench/notebook/README.md',
  'bench/peers/README.md',
  'bench/results/README.md',
  'bench/robustness/README.md',
  ...(readdirSync(join(root, 'src'), { recursive: true }) as string[])
    .filter((path) => basename(path) === 'README.md')
    .map((path) => `src/${path}`),
  ...readdirSync(join(root, 'weights'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `weights/${name}`),
].map(readPage);

/** The commands of a block: comments are removed, and broken lines joined. */
const commandsOf = (code: string): string[] =>
  code
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter(Boolean);

/** Words as a shell splits them. */
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);

const pageCommands = ({ blocks }: Page): string[] =>
  blocks.filter(({ language }) => language === 'sh').flatMap(({ code }) => commandsOf(code));

const optionsOf = (command: string): string[] =>
  [...command.matchAll(/(?<=\s|\[)--[a-z][\w-]*/g)].map(([option]) => option);
const hasOptions = (command: string) => optionsOf(command).length > 0;

/** Smaller networks in place of those that the pages train, because a software adapter compiles and trains them faster. */
const SMALL_SQUEEZENET =
  "{ family: 'squeezenet', layers: [{ conv: 8, kernel: 3, stride: 2 }, 'M', { fire: [4, 6, 6] }] }";

for (const each of pages) {
  const { page, blocks } = each;
  test(`${page}: links lead to files, and headings that are linked are there`, () => assertLinks(each));

  test(`${page}: every block is of a kind that is checked`, () => {
    for (const { language, kind, code } of blocks) {
      const isFile = kind === 'file' && /^\/\/ [\w/.]+\n/.test(code);
      // A page's Python and JavaScript are run by a test of their own (recording.test.ts).
      assert.ok(isFile || (['ts', 'sh', 'text', 'py', 'js'].includes(language) && !kind), `${language}: ${code}`);
    }
  });

  for (const { code } of blocks.filter(({ language, kind }) => language === 'ts' && !kind)) {
    test(`${page}: ${code.split('\n')[0]} runs`, async () => {
      const from = new URL(`../../${dirname(page)}/`, import.meta.url).href;
      const file = join(folder, 'block.mjs');
      const built = new URL('../../src/', import.meta.url).href;
      const named = code
        .replaceAll("from 'raybox'", `from '${built}index.js'`)
        .replace("from 'raybox/graph'", `from '${built}graph_entry.js'`)
        .replaceAll(/from 'raybox\/(\w+)'/g, (_, part) => `from '${built}${part}/index.js'`);
      const smaller = named.replace("backbone: 'squeezenet1_1', classes", `backbone: ${SMALL_SQUEEZENET}, classes`);
      writeFileSync(file, smaller.replaceAll("from './", `from '${from}`));
      await run(process.execPath, [file], { timeout: 60_000 });
    });
  }

  const commands = pageCommands(each);
  if (commands.length > 0) {
    test(`${page}: its commands and their options exist`, async () => {
      for (const command of commands) {
        // A program that is called without options is run by another test or has no options. With --help it might do its work.
        const help = hasOptions(command) ? await helpOf(wordsOf(command)) : '';
        for (const option of optionsOf(command)) assert.match(help, new RegExp(`${option}[ ,]`), command);
      }
    });
  }
}

/**
 * Prints the help of several programs, each followed by a zero character. In one process, because starting one, and loading what all of them
 * use, takes far longer than that. What ends a program must not end the others.
 */
const HELP_OF_ALL = `
  import { pathToFileURL } from 'node:url';
  const { exit } = process;
  const ended = new Error('the program ended');
  process.exit = () => { throw ended; };
  for (const call of JSON.parse(process.argv[1])) {
    process.argv = [process.execPath, ...call];
    await import(pathToFileURL(call[0]) + '?' + call[1]).catch((error) => error === ended || process.stdout.write(error.stack));
    process.stdout.write('\\0');
  }
  process.stdout.write('', () => exit(0));`;

/** How the program of a command is asked for its help: its file and arguments. Undefined for a program of others. */
function helpCall([program, ...args]: string[]): string[] | undefined {
  if (program === 'raybox') return [cli, args[0], '--help'];
  if (args[0].endsWith('/cli.js')) return [cli, args[1], '--help'];
  if (program === 'node') return [join(root, args[0]), '--help'];
  if (program !== 'npm' || args[0] !== 'run') return undefined;
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const file = / node (dist\S+)$/.exec(scripts[args[1]])?.[1];
  assert.ok(file, `npm run ${args[1]}`);
  return [join(root, file), '--help'];
}

async function programHelps(): Promise<Map<string, string>> {
  const calls = new Map<string, string[]>();
  for (const command of pages.flatMap(pageCommands).filter(hasOptions)) {
    const call = helpCall(wordsOf(command));
    if (call) calls.set(call.join(' '), call);
  }
  const list = JSON.stringify([...calls.values()]);
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', HELP_OF_ALL, list], {
    timeout: 120_000,
  });
  const texts = stdout.split('\0');
  return new Map([...calls.keys()].map((key, index) => [key, texts[index]]));
}

let helps: ReturnType<typeof programHelps> | undefined;

/** The help of the program of a command. */
async function helpOf(words: string[]): Promise<string> {
  const call = helpCall(words);
  if (call === undefined) {
    assert.is(words.slice(0, 3).join(' '), 'npm i --no-save', 'another program');
    return '--no-save --ignore-scripts ';
  }
  helps ??= programHelps();
  return (await helps).get(call.join(' ')) ?? '';
}

/** Whether a path is of the project, and not of packages that are installed in it. */
const isOwn = (path: string) => !path.includes('node_modules');

/** Pages that have whole files in them. */
const pagesWithFiles = pages.filter((each) => each.blocks.some(({ kind }) => kind === 'file'));
const withFiles = join(folder, 'with-files');

// One copy for all pages, since building the project and checking its types takes long.
test(`${pagesWithFiles.map(({ page }) => page).join(', ')}: with the files of the page in their places, the project builds`, async () => {
  for (const name of ['.ci', 'bench', 'kernels', 'src', 'test', 'package.json', 'tsconfig.json'])
    cpSync(join(root, name), join(withFiles, name), { recursive: true, filter: isOwn });
  symlinkSync(join(root, 'node_modules'), join(withFiles, 'node_modules'));
  const paths: string[] = [];
  for (const { code } of pagesWithFiles.flatMap(({ blocks }) => blocks.filter(({ kind }) => kind === 'file'))) {
    const [, path, text] = /^\/\/ (\S+)\n([\s\S]*)$/.exec(code)!;
    paths.push(path);
    assert.not.ok(existsSync(join(withFiles, path)), path);
    writeFileSync(join(withFiles, path), text);
  }
  await run(process.execPath, ['.ci/build.js'], { cwd: withFiles, timeout: 120_000 });
  // Everything else has been checked without these files. They are reached from the tests and from the indexes of operations and families.
  const include = ['src/ops/generated', 'src/nets/generated', ...paths];
  writeFileSync(join(withFiles, 'tsconfig.page.json'), JSON.stringify({ extends: './tsconfig.json', include }));
  const types = [join(root, 'node_modules/typescript-7/bin/tsc'), '-p', 'tsconfig.page.json', '--noEmit'];
  await run(process.execPath, [...types, '--incremental', 'false'], { cwd: withFiles, timeout: 120_000 });
});

for (const each of pagesWithFiles) {
  test(`${each.page}: its commands run after its files were put in their places`, async () => {
    for (const command of pageCommands(each)) {
      const [program, ...words] = wordsOf(command);
      // With the files of all pages, the project has just been built.
      if (words[0] === '.ci/build.js') continue;
      const call = program === 'raybox' ? [join(withFiles, 'dist/src/cli/cli.js'), ...words] : words;
      // The test of gradients is run for the page's operation only.
      const env = { ...process.env, RAYBOX_CASE: 'square' };
      const { stdout } = await run(process.execPath, call, { cwd: withFiles, env, timeout: 120_000 });
      if (command.includes('test/run.js')) assert.match(stdout, /^1 passed, 0 failed$/m);
    }
  });
}

/** The same, small enough for a test. */
const SMALLER: readonly (readonly [RegExp, string])[] = [
  [/--count 8000/, '--count 120'],
  [/--count 1000/, '--count 12'],
  [/--epochs \d+/, '--epochs 1'],
  [/phantom(.*) --size \d+/, 'phantom$1 --size 64'],
  [/train(.*) --size \d+/, 'train$1 --size 16'],
  [/"layers":\[2\],"widths":\[\d+\],"stem":\d+/, '"layers":[1],"widths":[8],"stem":8'],
  [/--transition \d+/, '--transition 8'],
  // Of two commands that go on with the weights of the one before, one is enough.
  [/^raybox train .* --out fine .*$/, ''],
  [/fine\/best/, 'wide/best'],
];

for (const page of ['weights/phantom8.md', 'src/evaluate/README.md']) {
  test(`${page}: the code that made its figures runs completely`, async () => {
    const here = mkdtempSync(join(folder, 'run-'));
    mkdirSync(join(here, 'weights'));
    writeFileSync(join(here, 'weights/phantom8.safetensors'), readFileSync(join(root, 'weights/phantom8.safetensors')));
    const commands = pageCommands(pages.find((each) => each.page === page) as Page);
    const whole = commands.slice(commands.findIndex((command) => command.startsWith('raybox phantom')));
    for (const command of whole) {
      const smaller = SMALLER.reduce((text, [pattern, value]) => text.replace(pattern, value), command);
      if (smaller === '') continue;
      await run(process.execPath, [cli, ...wordsOf(smaller).slice(1)], { cwd: here, timeout: 200_000 });
    }
    const { images, localization } = JSON.parse(readFileSync(join(here, 'scores/evaluation.json'), 'utf8'));
    assert.is(images, 12);
    assert.ok(localization.truthBoxes > 0);
    if (page.startsWith('src')) assert.ok(existsSync(join(here, 'scores/cases.png')));
  });
}

test.run();
