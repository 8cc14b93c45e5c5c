/** HDF5 files: what h5py wrote is read, and a file cannot make its reader work longer than its own bytes are worth. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { type Hdf5Object, openHdf5 } from '../../src/formats/hdf5/hdf5.js';

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../test/fixtures/keras/${name}`, import.meta.url)));
const refuses = (bytes: Uint8Array, message: RegExp) => {
  assert.throws(
    () => openHdf5(bytes),
    (error: Error) => error instanceof InputError && message.test(error.message),
  );
};

/** The header of a file of so many bytes whose root group is a tree at 200 with its names in a heap at 300. */
function header(length: number): { bytes: Uint8Array; view: DataView; put: (at: number, text: string) => void } {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  const put = (at: number, text: string) => bytes.set(new TextEncoder().encode(text), at);
  bytes.set([0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10]);
  bytes.set([8, 8], 13);
  view.setBigUint64(40, BigInt(length), true);
  view.setBigUint64(64, 96n, true);
  // An object with one message: a symbol table.
  bytes.set([1, 0, 1], 96);
  view.setUint32(104, 24, true);
  view.setUint16(112, 0x11, true);
  view.setUint16(114, 16, true);
  view.setBigUint64(120, 200n, true);
  view.setBigUint64(128, 300n, true);
  put(200, 'TREE');
  view.setUint16(206, 1, true);
  put(300, 'HEAP');
  return { bytes, view, put };
}

test('names, texts and numbers of both forms of HDF5', () => {
  for (const name of ['functional.h5', 'newer.h5']) {
    const root = openHdf5(fixture(name));
    assert.equal(root.names, ['model_weights']);
    assert.match(JSON.parse(root.texts('model_config')![0]).class_name, /Functional|Sequential/);
    assert.is(root.texts('nothing'), undefined);
    assert.is(root.get('nothing'), undefined);
    const sizes: number[] = [];
    const visit = (object: Hdf5Object) => {
      if (object.data) sizes.push(object.data.read().length / object.data.shape.reduce((a, b) => a * b, 1));
      for (const member of object.names) visit(object.get(member)!);
    };
    visit(root);
    assert.ok(sizes.length >= 9 && sizes.every((size) => size === 4), `${sizes}`);
  }
});

test('a file that is cut, or that begins in another way, is refused', () => {
  const bytes = fixture('functional.h5');
  refuses(bytes.subarray(0, 20_000), /cut off; expected \d+ bytes; given 20000/);
  const other = bytes.slice();
  other[8] = 9;
  refuses(other, /does not read version 9/);
});

test('many members that share one long name are not read as many names', () => {
  const [long, count] = [300_000, 7_000];
  const table = 416 + long;
  const { bytes, view, put } = header(table + 8 + 40 * count);
  view.setBigUint64(308, BigInt(long + 8), true);
  view.setBigUint64(324, 400n, true);
  view.setBigUint64(232, BigInt(table), true);
  bytes.fill(0x61, 400, 400 + long);
  put(table, 'SNOD');
  view.setUint16(table + 6, count, true);
  for (let i = 0; i < count; i++) {
    view.setBigUint64(table + 8 + 40 * i, BigInt(i), true);
    view.setBigUint64(table + 16 + 40 * i, 96n, true);
  }
  refuses(bytes, /refers to the same bytes again and again/);
});

test('a tree that contains itself, or a branch twice, is refused', () => {
  const { bytes, view, put } = header(2_000);
  bytes[205] = 1;
  view.setBigUint64(232, 200n, true);
  refuses(bytes, /a group is part of itself/);
  put(600, 'TREE');
  view.setUint16(206, 2, true);
  view.setBigUint64(232, 600n, true);
  view.setBigUint64(248, 600n, true);
  refuses(bytes, /a group is part of itself/);
});

test.run();
