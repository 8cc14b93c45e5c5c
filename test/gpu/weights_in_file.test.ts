/** Proves that weights which are uploaded piece by piece, from a file, a Blob or a server, give the bits of weights that are in memory as a whole. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { int8File } from '../../src/formats/weights/quantize_int8.js';
import { readSafetensors, writeSafetensors } from '../../src/formats/weights/safetensors.js';
import { openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import type { WeightSource } from '../../src/graph/plan/types.js';
import { load } from '../../src/index.js';
import { contentOf, tinyPicture, tinyWeights } from '../support/tiny.js';

const gpu = await openGpu();
test.after(() => gpu.close());

/** The same weights as 8-bit integers. */
function int8Weights(bytes: Uint8Array): Uint8Array {
  const { tensors, metadata } = readSafetensors(bytes);
  const weights = [...tensors.keys()].filter((name) => name.endsWith('.weight'));
  const file = int8File(tensors, metadata, new Set(weights));
  return writeSafetensors(file.tensors, file.metadata, { dtype: file.typeOf });
}

const torch = new URL('../../../test/fixtures/torch-verified/model.pth', import.meta.url);

for (const [name, bytes] of [
  ['tiny.safetensors', tinyWeights(3)],
  ['int8.safetensors', int8Weights(tinyWeights(3))],
  ['model.pth', new Uint8Array(readFileSync(torch))],
] as const)
  test(`${name}: a path and its bytes give the same results`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'raybox-weights-'));
    const path = join(folder, name);
    writeFileSync(path, bytes);
    const image = tinyPicture(1);
    const some = await load(path, { device: gpu.device });
    rmSync(folder, { recursive: true });
    const other = await load(bytes, { device: gpu.device });
    const expected = contentOf(await some.localize(image));
    assert.equal(contentOf(await other.localize(image)), expected);
    await some.close();
    await other.close();
    const third = await load(new Blob([bytes as Uint8Array<ArrayBuffer>]), { device: gpu.device });
    assert.equal(contentOf(await third.localize(image)), expected);
    await third.close();
  });

const bytes = tinyWeights(3);

/** Bytes behind the header, which are most of the tiny weights' tensors. */
const REST = 300;

/** Serves the header and the first tensors of the weights, and what `rest` gives once it is there. */
async function serving<T>(rest: () => Promise<Uint8Array>, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(async (_, answer) => {
    answer.writeHead(200, { 'content-length': bytes.length });
    answer.write(bytes.subarray(0, -REST));
    answer.end(await rest());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/tiny.safetensors`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const hashOfWeights = `sha256-${createHash('sha256').update(bytes).digest('base64')}`;

test('kernels are compiled while the weights still come from a server', async () => {
  const own = await openGpu();
  const { device } = own;
  const compile = device.createComputePipelineAsync.bind(device);
  const compiling = new Promise<void>((resolve) => {
    device.createComputePipelineAsync = (what) => {
      resolve();
      return compile(what);
    };
  });
  const rest = async () => {
    await compiling;
    return bytes.subarray(-REST);
  };
  const seen: number[] = [];
  const options = { device, integrity: hashOfWeights, onProgress: (done: number) => seen.push(done) };
  const some = await serving(rest, (url) => load(url, options));
  assert.is(seen.at(-1), 1);
  assert.ok(seen.every((done, i) => i === 0 || done >= seen[i - 1]));
  const other = await load(bytes, { device });
  const image = tinyPicture(1);
  assert.equal(contentOf(await some.localize(image)), contentOf(await other.localize(image)));
  await some.close();
  await other.close();
  own.close();
});

test('weights that are cut, or have another hash, are refused although their network was known before', async () => {
  const refuses = (rest: Uint8Array, integrity: string | undefined, message: RegExp) =>
    serving(
      async () => rest,
      (url) => load(url, { device: gpu.device, ...(integrity ? { integrity } : {}) }),
    ).then(
      () => assert.unreachable('refused'),
      (error: Error) => assert.match(`${error.name}: ${error.message}`, message),
    );
  const rest = bytes.slice(-REST);
  await refuses(rest.subarray(0, 100), undefined, /InputError: cannot read http/);
  rest[REST - 1] ^= 1;
  await refuses(rest, hashOfWeights, /InputError: weights: not the file that the option integrity describes/);
});

test('a Blob is hashed before its tensors are read, by slices', async () => {
  const sliced: number[] = [];
  class Watched extends Blob {
    override slice(start = 0, end = this.size) {
      sliced.push(end - start);
      return super.slice(start, end);
    }
    override arrayBuffer(): Promise<ArrayBuffer> {
      return Promise.reject(new Error('it is read as a whole'));
    }
  }
  const blob = new Watched([bytes as BlobPart]);
  const { device } = gpu;
  await load(blob, { device, integrity: `sha256-${'A'.repeat(43)}=` }).then(
    () => assert.unreachable('refused'),
    (error: Error) => assert.match(`${error.name}: ${error.message}`, /InputError: weights: not the file.*integrity/),
  );
  assert.equal(sliced, []);
  await load(blob, { device, integrity: hashOfWeights, maxBytes: 100 }).then(
    () => assert.unreachable('refused'),
    (error: Error) => assert.match(error.message, /weights is too large; expected at most 100 bytes/),
  );
  const some = await load(blob, { device, integrity: hashOfWeights });
  assert.ok(sliced.length > 0);
  const other = await load(bytes, { device });
  const image = tinyPicture(1);
  assert.equal(contentOf(await some.localize(image)), contentOf(await other.localize(image)));
  await some.close();
  await other.close();
});

test('a Blob, and one whose network needs numbers to be known, give the results of their bytes', async () => {
  const vgg = new Uint8Array(
    readFileSync(new URL('../../../test/fixtures/torch-reference/vgg/model.safetensors', import.meta.url)),
  );
  const image = tinyPicture(1);
  for (const file of [bytes, vgg]) {
    const some = await load(new Blob([file as BlobPart]), { device: gpu.device });
    const other = await load(file, { device: gpu.device });
    assert.equal(contentOf(await some.localize(image)), contentOf(await other.localize(image)));
    await some.close();
    await other.close();
  }
});

const values = Float32Array.from({ length: 30 }, (_, i) => Math.cos(i));
const whole: WeightSource = () => values;
const cut = (...ends: number[]): WeightSource =>
  Object.assign(
    (): never => {
      throw new Error('pieces are asked for');
    },
    {
      *pieces() {
        const buffer = new Float32Array(30);
        for (const [index, end] of ends.entries()) {
          const from = index > 0 ? ends[index - 1] : 0;
          const piece = buffer.subarray(0, end - from);
          piece.set(values.subarray(from, end));
          yield piece;
          buffer.fill(Number.NaN);
        }
      },
    },
  );

async function constantOf(weights: WeightSource) {
  const g = createGraph();
  const parameter = g.parameter('w', [5, 6]);
  const plan = await createPlan(gpu, g.finish([parameter]), { weights });
  const read = await plan.read(parameter);
  plan.close();
  return read;
}

test('pieces in a buffer that is used again fill a constant', async () => {
  assert.equal(await constantOf(cut(4, 16, 22, 30)), await constantOf(whole));
});

test('pieces with too few or too many values are refused', async () => {
  for (const ends of [
    [4, 16],
    [16, 31],
  ])
    await constantOf(cut(...ends)).then(
      () => assert.unreachable('refused'),
      (error: Error) => assert.match(error.message, /wrong number of values for parameter w.*30 for f32\[5×6\]/s),
    );
});

test.run();
