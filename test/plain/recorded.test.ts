/** Proves that npy files are read, and that the cause of a difference between recorded layers is found from its numbers. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readNpy } from '../../src/formats/npy.js';
import { seededRandom } from '../../src/random.js';
import { type LayerFacts, likelyCause, type Maps } from '../../src/verify/likely_cause.js';

/** A file as NumPy writes it. */
function npy(descr: string, shape: string, data: Uint8Array, fortran = false): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${shape}), }\n`;
  const header = new TextEncoder().encode(text);
  return Uint8Array.from([
    0x93,
    ...new TextEncoder().encode('NUMPY'),
    1,
    0,
    header.length & 255,
    header.length >> 8,
    ...header,
    ...data,
  ]);
}
const bytesOf = (list: Float32Array | Float64Array | BigInt64Array | Uint16Array) => new Uint8Array(list.buffer);

test('npy: floats, whole numbers, both orders, big endian', () => {
  const floats = npy('<f4', '2, 3', bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6)));
  assert.equal([...readNpy(floats).data], [1, 2, 3, 4, 5, 6]);
  assert.equal(readNpy(floats).shape, [2, 3]);
  const columns = npy('<f8', '2, 3', bytesOf(Float64Array.of(1, 4, 2, 5, 3, 6)), true);
  assert.equal([...readNpy(columns).data], [1, 2, 3, 4, 5, 6]);
  assert.equal([...readNpy(npy('<i8', '2,', bytesOf(BigInt64Array.of(-7n, 9n)))).data], [-7, 9]);
  const half = readNpy(npy('<f2', '', bytesOf(Uint16Array.of(0xc000))));
  assert.equal([[...half.data], half.half], [[-2], 'F16']);
  assert.is(readNpy(floats).half, undefined);
  assert.equal([...readNpy(npy('>u2', '1,', Uint8Array.of(1, 2))).data], [258]);
});

test('npy: objects, texts, cut and oversized arrays are refused', () => {
  assert.throws(() => readNpy(npy('|O', '1,', new Uint8Array(8))), /not numbers/);
  assert.throws(() => readNpy(npy('<c8', '1,', new Uint8Array(8))), /not numbers/);
  assert.throws(() => readNpy(npy('<f4', '3,', new Uint8Array(8))), /12 bytes expected/);
  assert.throws(() => readNpy(npy('<f4', '99999999, 99999999, 99999999', new Uint8Array(8))), /npy: array/);
  assert.throws(() => readNpy(new Uint8Array(20)), /not a NumPy array/);
});

const shape = [2, 4, 10, 12] as const;
const size = 10 * 12;
function random(seed: number, of: Maps['shape'] = shape): Maps {
  const next = seededRandom(seed);
  return { shape: of, data: Float64Array.from({ length: of.reduce((a, b) => a * b) }, () => next() - 0.5) };
}
const changed = (maps: Maps, of: (value: number, index: number) => number): Maps => ({
  ...maps,
  data: Float64Array.from(maps.data, of),
});
const channel = (i: number) => Math.floor(i / size) % 4;

const ours = random(1);
const verdict = (theirs: Maps, facts: Partial<LayerFacts> = {}) =>
  likelyCause(ours, theirs, 1e-4, { recorded: theirs.data, again: async () => random(9), ...facts });

/** Like `ours`, moved by a row and a column. */
const moved = (of: Maps) => changed(of, (_, i) => (Math.floor(i / 12) % 10 > 0 && i % 12 > 0 ? of.data[i - 13] : 7));

/** What the norm makes of other numbers with this epsilon and these statistics. */
const gamma = [1, 2, 0.5, 1.5];
const beta = [0.1, -0.2, 0.3, 0];
const variance = [0.01, 0.5, 1, 0.002];
const mean = [0.3, 0.1, -0.4, 0.2];
const normed = (x: Maps, epsilon: number, means = mean, variances = variance): Maps =>
  changed(
    x,
    (v, i) =>
      ((v - means[channel(i)]) / Math.sqrt(variances[channel(i)] + epsilon)) * gamma[channel(i)] + beta[channel(i)],
  );

test('each known fault is named by its cause', async () => {
  assert.match((await verdict(changed(ours, (v) => Math.max(0, v)))) ?? '', /after a ReLU/);
  assert.match((await verdict(moved(ours))) ?? '', /padding: the layer is shifted by 1 rows and 1 columns/);
  assert.match(
    (await verdict(changed(ours, (v, i) => (i % 12 === 0 ? v + 1 : v)))) ?? '',
    /padding: only the outer 1 /,
  );
  assert.match((await verdict(changed(ours, (v, i) => 2.5 * v + channel(i)))) ?? '', /normalisation: .* 2\.5000 times/);
  assert.match((await verdict(changed(ours, (v, i) => v + channel(i)))) ?? '', /^bias/);
  assert.match((await verdict({ ...ours, data: Float64Array.from(ours.data).reverse() })) ?? '', /^order/);
  const last = changed(ours, (_, i) => {
    const [n, p, c] = [Math.floor(i / (4 * size)), Math.floor(i / 4) % size, i % 4];
    return ours.data[(n * 4 + c) * size + p];
  });
  assert.match((await verdict(last)) ?? '', /^layout/);
  const theirs = random(5);
  const reversed: LayerFacts['again'] = async (change) => (change === 'channels reversed' ? theirs : random(9));
  assert.match((await verdict(theirs, { again: reversed })) ?? '', /^channel order/);
  const shifted: LayerFacts['again'] = async (change) =>
    typeof change !== 'string' && change.rows === -1 && change.columns === 1 ? theirs : random(9);
  assert.match((await verdict(theirs, { again: shifted })) ?? '', /padding: .* shifted by -1 rows and 1 columns/);
});

test('batch norms: another epsilon, the statistics of the batch', async () => {
  const input = random(2);
  const facts = { gamma, beta, variance, epsilon: 1e-5 };
  const own = normed(input, 1e-5);
  const of = (theirs: Maps) =>
    likelyCause(own, theirs, 1e-4, { recorded: theirs.data, again: async () => random(9), norm: facts });
  assert.match(
    (await of(normed(input, 1e-3))) ?? '',
    /^epsilon: the recording fits an epsilon of 0\.0010, raybox uses 0\.00001/,
  );
  const statistics = [0, 1, 2, 3].map((c) => {
    const values = Array.from(input.data).filter((_, i) => channel(i) === c);
    const average = values.reduce((a, b) => a + b) / values.length;
    return [average, values.reduce((a, b) => a + (b - average) ** 2, 0) / values.length];
  });
  const training = normed(
    input,
    1e-5,
    statistics.map(([m]) => m),
    statistics.map(([, v]) => v),
  );
  assert.match((await of(training)) ?? '', /^batch norm: .* training mode/);
});

test('no cause is named for numbers that none explains', async () => {
  assert.is(await verdict(random(3)), undefined);
  assert.is(await verdict(changed(ours, (v, i) => (i === 777 ? v + 1 : v))), undefined);
  assert.is(await verdict(changed(ours, () => Number.NaN)), undefined);
});

test.run();
