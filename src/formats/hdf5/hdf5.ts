/**
 * Reads HDF5 files as h5py writes them: groups, attributes that are texts or numbers, and datasets whose numbers lie in one piece. The layout
 * is that of the HDF5 File Format Specification, version 3. Everything that a file says about itself is checked before it is used, and each
 * part is paid for from a budget, because a small file can refer to the same bytes any number of times.
 */
import { InputError } from '../../errors.js';
import type { ElementType } from '../weights/checkpoint.js';
import { damaged, type Hdf5Bytes, hdf5Bytes, unsupported } from './bytes.js';
import { groupLinks } from './groups.js';
import { MESSAGE, type Message, objectMessages } from './objects.js';
import { countOf, dataSpace, dataType, type Hdf5Type } from './types.js';

/** A group or a dataset. */
export interface Hdf5Object {
  /** The names of a group's members. A dataset has none. */
  readonly names: readonly string[];
  /** A member of a group. @throws InputError for a member that is damaged */
  get(name: string): Hdf5Object | undefined;
  /** Texts of an attribute; undefined if there is no such attribute. @throws InputError if it has something else than texts */
  texts(name: string): string[] | undefined;
  /** What a dataset holds; undefined for a group. */
  readonly data?: Hdf5Data;
}

export interface Hdf5Data {
  readonly shape: readonly number[];
  /** The type of its numbers; undefined if they are not numbers, or of a type that raybox does not read. */
  readonly type: ElementType | undefined;
  /** The numbers as little-endian bytes, as a view of the file. @throws InputError for numbers that are compressed or not there */
  read(): Uint8Array;
}

/** The root group of a file. @throws InputError for a file that is cut, damaged, or of a kind that h5py does not write */
export function openHdf5(bytes: Uint8Array): Hdf5Object {
  const file = hdf5Bytes(bytes);
  return readObject(file, rootAddress(file), '/');
}

/** The address of the root group's header, which is in the superblock at the beginning of the file. */
function rootAddress(file: Hdf5Bytes): number {
  const version = file.u8(8);
  if (version > 3) throw unsupported(`version ${version} of the file's beginning`);
  const isOld = version < 2;
  const sizes = isOld ? 13 : 9;
  if (file.u8(sizes) !== 8 || file.u8(sizes + 1) !== 8)
    throw unsupported(`addresses of ${file.u8(sizes)} and lengths of ${file.u8(sizes + 1)} bytes`);
  // Version 1 has four bytes more than version 0.
  const addresses = isOld ? 24 + 4 * version : 12;
  if (file.u64(addresses) !== 0) throw unsupported('a file that does not begin with its own header');
  const end = file.u64(addresses + 16);
  if (end > file.length)
    throw new InputError('HDF5: the file is cut off', {
      expected: `${end} bytes`,
      given: `${file.length}`,
      hint: 'download or copy it again',
    });
  return file.u64(addresses + (isOld ? 40 : 24));
}

function readObject(file: Hdf5Bytes, address: number, path: string): Hdf5Object {
  const messages = objectMessages(file, address);
  const links = groupLinks(file, messages, path);
  const members = new Map<string, Hdf5Object>();
  let attributes: Map<string, Attribute> | undefined;
  const texts = (name: string) => {
    attributes ??= attributesOf(file, messages, path);
    const found = attributes.get(name);
    return found && textsOf(file, found, `attribute ${name} of ${path}`);
  };
  const data = dataOf(file, messages, path, texts);
  return {
    names: [...links.keys()],
    get(name) {
      const known = members.get(name);
      const at = links.get(name);
      if (known || at === undefined) return known;
      const member = readObject(file, at, `${path === '/' ? '' : path}/${name}`);
      members.set(name, member);
      return member;
    },
    texts,
    ...(data ? { data } : {}),
  };
}

interface Attribute {
  readonly type: Hdf5Type;
  readonly count: number;
  /** The position of its values in the file. */
  readonly at: number;
}

function attributesOf(file: Hdf5Bytes, messages: readonly Message[], path: string): Map<string, Attribute> {
  const info = messages.find(({ type }) => type === MESSAGE.attributeInfo);
  if (info && file.address(info.at + 2 + (file.u8(info.at + 1) & 1) * 2) !== undefined)
    throw unsupported(`the attributes of ${path.slice(-120)} in a heap of their own`);
  const attributes = new Map<string, Attribute>();
  for (const { type, at, length } of messages) {
    if (type !== MESSAGE.attribute) continue;
    const version = file.u8(at);
    if (version < 1 || version > 3) throw unsupported(`version ${version} of attributes`);
    if (version > 1 && (file.u8(at + 1) & 3) !== 0) throw unsupported('attributes with a type of another object');
    const padded = (size: number) => (version === 1 ? Math.ceil(size / 8) * 8 : size);
    const [nameLength, typeLength, spaceLength] = [file.u16(at + 2), file.u16(at + 4), file.u16(at + 6)];
    const name = at + (version === 3 ? 9 : 8);
    const typeAt = name + padded(nameLength);
    const space = typeAt + padded(typeLength);
    const values = space + padded(spaceLength);
    if (values > at + length) throw damaged(`an attribute of ${path.slice(-120)}`);
    const shape = dataSpace(file, space);
    const kind = dataType(file, typeAt);
    const count = shape ? countOf(shape) : 0;
    if (count * kind.size > at + length - values) throw damaged(`an attribute of ${path.slice(-120)}`);
    attributes.set(file.text(name, nameLength), { type: kind, count, at: values });
  }
  return attributes;
}

function textsOf(file: Hdf5Bytes, { type, count, at }: Attribute, what: string): string[] {
  // An empty list of texts is stored as one of numbers.
  if (count === 0) return [];
  if (type.kind === 'text') return Array.from({ length: count }, (_, i) => file.text(at + i * type.size, type.size));
  if (type.kind !== 'reference to text') throw unsupported(`${what.slice(0, 200)}, which is no text`);
  return Array.from({ length: count }, (_, i) => {
    const place = at + i * type.size;
    const length = file.u32(place);
    if (length === 0) return '';
    const item = file.heapItem(file.u64(place + 4), file.u32(place + 12));
    if (length > item.length) throw damaged(what.slice(0, 200));
    return file.text(item.at, length);
  });
}

function dataOf(
  file: Hdf5Bytes,
  messages: readonly Message[],
  path: string,
  texts: Hdf5Object['texts'],
): Hdf5Data | undefined {
  const find = (type: number) => messages.find((message) => message.type === type);
  const [space, type, layout] = [find(MESSAGE.dataSpace), find(MESSAGE.dataType), find(MESSAGE.layout)];
  if (!space || !type || !layout) return undefined;
  const shape = dataSpace(file, space.at) ?? [0];
  const { kind, size, element } = dataType(file, type.at);
  // HDF5 has no bfloat16. Keras writes it as an opaque type of two bytes, with the attribute `dtype`.
  const isBf16 = kind === 'opaque' && size === 2 && texts('dtype')?.[0] === 'bfloat16';
  const where = path.slice(-200);
  return {
    shape,
    type: isBf16 ? 'BF16' : element,
    read() {
      if (find(MESSAGE.filters)) throw compressed(where);
      const length = countOf(shape) * size;
      if (length === 0) return new Uint8Array(0);
      const version = file.u8(layout.at);
      if (version !== 3 && version !== 4) throw unsupported(`version ${version} of the place of ${where}`);
      const storage = file.u8(layout.at + 1);
      if (storage === 0) {
        if (file.u16(layout.at + 2) < length || layout.at + 4 + length > layout.at + layout.length)
          throw damaged(where);
        return file.part(layout.at + 4, length);
      }
      if (storage !== 1) throw compressed(where);
      const at = file.address(layout.at + 2);
      if (at === undefined) throw damaged(`${where}: its numbers were never written`);
      if (file.u64(layout.at + 10) < length) throw damaged(where);
      return file.part(at, length);
    },
  };
}

const compressed = (path: string) =>
  new InputError(`HDF5: the numbers of ${path} are compressed, or lie in several pieces`, {
    hint: 'write the file anew without compression: h5repack -f NONE -l CONTI model.h5 plain.h5, or model.save in Keras',
  });
