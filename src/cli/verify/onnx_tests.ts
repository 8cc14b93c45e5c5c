/** `raybox verify --onnx-tests DIR`: the tests of ONNX's own format in a folder, on an adapter of this machine. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { InputError } from '../../errors.js';
import { describe, openGpu } from '../../gpu/device.js';
import { duration, print, say, startProgress, table } from '../terminal.js';
import { type OnnxTest, type OnnxTestResult, runOnnxTest } from './onnx_test.js';

/** The options of `raybox verify --onnx-tests`. */
export interface OnnxTestsOptions {
  onnxTests: string;
  filter?: string;
  json?: boolean;
  adapter?: string;
}

/** Limits of a folder of tests: tests, levels of folders, sets of a test, files of a set, and bytes of a test. */
const MOST = { tests: 20_000, depth: 8, sets: 100, files: 1_000, bytes: 2 ** 30 };

/** @returns whether nothing failed that raybox can run */
export async function verifyOnnxTests(options: OnnxTestsOptions, signal: AbortSignal): Promise<boolean> {
  const { onnxTests: root, filter = '', json, adapter } = options;
  const folders = testFolders(root).filter((folder) => relative(root, folder).includes(filter));
  if (folders.length === 0)
    throw new InputError(`there is no test in ${root}`, {
      expected: 'folders with model.onnx and test_data_set_0, in which input_0.pb and output_0.pb lie',
      given: filter === '' ? 'none' : `none whose name contains ${filter}`,
      hint: 'backend-test-tools generate-data -o DIR, of the Python package onnx, writes those of ONNX itself',
    });
  const gpu = await openGpu({ ...(adapter ? { adapter } : {}) });
  const started = performance.now();
  const results: (OnnxTestResult & { name: string })[] = [];
  try {
    say(`${folders.length} tests on ${describe(gpu.info)}`);
    const progress = startProgress('verifying', folders.length, 'tests');
    try {
      for (const folder of folders) {
        signal.throwIfAborted();
        const result = { name: relative(root, folder) || folder, ...(await attempt(gpu, folder)) };
        results.push(result);
        if (result.status === 'failed') progress.note(`FAIL ${result.name}: ${reason(result)}`);
        progress.update(results.length);
      }
    } finally {
      progress.stop();
    }
    const counts = countsOf(results);
    await print(json ? JSON.stringify({ adapter: describe(gpu.info), ...counts, tests: results }) : listed(results));
    say(`${told(counts)}, in ${duration(performance.now() - started)}.`);
    return counts.failed === 0;
  } finally {
    gpu.close();
  }
}

async function attempt(gpu: Parameters<typeof runOnnxTest>[0], folder: string): Promise<OnnxTestResult> {
  try {
    return await runOnnxTest(gpu, readTest(folder));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { status: 'failed', onGpu: false, operators: [], why: error.message };
  }
}

/** Folders that hold a test, in the order of their names. Links are not followed. */
function testFolders(root: string): string[] {
  const found: string[] = [];
  const walk = (folder: string, depth: number) => {
    const entries = entriesOf(folder);
    if (entries.some((entry) => entry.isFile() && entry.name === 'model.onnx')) found.push(folder);
    if (found.length > MOST.tests) throw new InputError(`${root} holds too many tests`, { expected: `${MOST.tests}` });
    if (depth === MOST.depth) return;
    for (const entry of entries)
      if (entry.isDirectory() && !entry.name.startsWith('test_data_set_')) walk(join(folder, entry.name), depth + 1);
  };
  walk(root, 0);
  return found;
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (cause) {
    throw new InputError(`cannot read ${folder}`, {
      expected: 'a folder',
      given: (cause as NodeJS.ErrnoException).code === 'ENOTDIR' ? 'a file' : 'no such folder',
      cause,
    });
  }
}

/** Reads a test's files; those of all sets are in memory at once, so their size is bounded. */
function readTest(folder: string): OnnxTest {
  let left = MOST.bytes;
  const read = (path: string): Uint8Array => {
    const entry = statSync(path, { throwIfNoEntry: false });
    if (!entry?.isFile())
      throw new InputError(`cannot read ${path}`, {
        expected: 'a file that belongs to the test',
        given: entry ? 'a folder' : 'no such file',
      });
    left -= entry.size;
    if (left < 0)
      throw new InputError(`the files of ${folder} are too large`, {
        expected: `at most ${MOST.bytes} bytes together`,
      });
    return readFileSync(path);
  };
  const names = entriesOf(folder)
    .filter((entry) => entry.isDirectory() && /^test_data_set_\d+$/.test(entry.name))
    .map(({ name }) => name);
  if (names.length > MOST.sets)
    throw new InputError(`${folder} has too many sets of data`, { expected: `at most ${MOST.sets}` });
  const sets = names.map((name) => {
    const set = join(folder, name);
    const files = entriesOf(set).map((entry) => entry.name);
    const numbered = (kind: string) => {
      const count = files.filter((file) => new RegExp(`^${kind}_\\d+\\.pb$`).test(file)).length;
      if (count > MOST.files) throw new InputError(`${set} has too many files`, { expected: `at most ${MOST.files}` });
      return Array.from({ length: count }, (_, i) => {
        const file = `${kind}_${i}.pb`;
        if (!files.includes(file))
          throw new InputError(`${set} lacks ${file}`, { given: `${count} files of this kind` });
        return read(join(set, file));
      });
    };
    return { inputs: numbered('input'), outputs: numbered('output') };
  });
  return {
    model: read(join(folder, 'model.onnx')),
    external: async (location) => read(join(folder, location)),
    sets,
  };
}

const countsOf = (results: readonly OnnxTestResult[]) => {
  const count = (status: OnnxTestResult['status']) => results.filter((one) => one.status === status).length;
  return {
    ...{ passed: count('passed'), failed: count('failed'), notOurs: count('not ours') },
    onGpu: results.filter(({ status, onGpu }) => status === 'passed' && onGpu).length,
  };
};

const reason = ({ why = '', node }: OnnxTestResult) => (node ? `${why} (first at ${node})` : why);

function listed(results: readonly (OnnxTestResult & { name: string })[]): string {
  const rows = results.map((result) => [result.name, result.status, result.operators.join(' '), reason(result)]);
  return table([['test', '', 'operators', 'why'], ...rows]);
}

const told = ({ passed, failed, notOurs, onGpu }: ReturnType<typeof countsOf>) =>
  `${passed} passed (${onGpu} on the adapter, ${passed - onGpu} from constants alone), ${failed} failed, ${notOurs} are not ours`;
