/** Mutators for pickles, zip and tar archives and safetensors files. They correct checksums and lengths, so that mutants pass the first checks. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { crc32 } from '../../../src/formats/crc32.js';
import { partsOf } from '../../../src/formats/parts.js';
import { openZip } from '../../../src/formats/zip.js';
import { type Dice, joinAll, joined, MAX_MUTANT_BYTES, type Mutator, replaced } from './mutate.js';
import { amplifyJson, bytesOf, changeJson, textOf } from './text.js';

// Pickles

const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));

/** Opcodes with arguments that fit them, and short runs of them. */
const OPCODES: readonly string[] = [
  ...[
    '(',
    '0',
    '1',
    '2',
    'N',
    '\x88',
    '\x89',
    ']',
    ')',
    '}',
    '\x8f',
    'l',
    't',
    'd',
    'a',
    'e',
    's',
    'u',
    '\x90',
    '\x91',
    'R',
    'b',
    'o',
  ],
  ...[
    'Q',
    '\x81',
    '\x85',
    '\x86',
    '\x87',
    '\x92',
    '\x93',
    '\x94',
    'K\x01',
    'M\x01\x02',
    'J\xff\xff\xff\xff',
    'G\x7f\xf8\0\0\0\0\0\0',
  ],
  ...[
    'I1\n',
    'I01\n',
    'L12L\n',
    'F1.5\n',
    'F-inf\n',
    "S'a'\n",
    'Va\\u0041\n',
    'U\x01a',
    'T\x01\0\0\0a',
    'X\x01\0\0\0a',
    '\x8c\x01a',
  ],
  ...[
    'C\x01a',
    'B\x01\0\0\0a',
    '\x8d\x01\0\0\0\0\0\0\0a',
    '\x8e\x01\0\0\0\0\0\0\0a',
    '\x96\x01\0\0\0\0\0\0\0a',
    '\x8a\x01\xff',
  ],
  ...[
    '\x8b\xff\xff\xff\x7f',
    'q\x00',
    'h\x00',
    'p0\n',
    'g0\n',
    'r\0\0\0\0',
    'j\0\0\0\0',
    'Pa\n',
    '\x80\x02',
    '\x95\x05\0\0\0\0\0\0\0',
  ],
  ...[
    'ccollections\nOrderedDict\n',
    'ctorch._utils\n_rebuild_tensor_v2\n',
    'ctorch\nFloatStorage\n',
    'cos\nsystem\n',
    'c__builtin__\nset\n',
  ],
  ...[
    'iposix\nsystem\n',
    'ctorch\nSize\n',
    'c_codecs\nencode\n',
    'cnumpy.core.multiarray\nscalar\n',
    'c\n\n',
    'c__proto__\nconstructor\n',
  ],
  ...[')R', '(K\x01K\x02tR', '](K\x01e', '}(K\x01K\x02u', '0}', '2a', 'h\x00h\x00s', '.'],
];

function changePickle(bytes: Uint8Array, dice: Dice): Uint8Array {
  const at = dice.below(bytes.length + 1);
  const part = latin1(Array.from({ length: dice.length(4) }, () => dice.pick(OPCODES)).join(''));
  return replaced(bytes, at, dice.chance(0.5) ? 0 : dice.below(part.length + 4), part);
}

export const pickle: Mutator = changePickle;

function amplifyPickle(bytes: Uint8Array, dice: Dice): Uint8Array {
  const unit = Array.from({ length: dice.length(3) }, () => dice.pick(OPCODES)).join('');
  const times = Math.floor(dice.length(MAX_MUTANT_BYTES - 65_536) / unit.length);
  const repeats = latin1(unit.repeat(Math.max(1, times)));
  const close = latin1(dice.pick(['l.', 't.', '.', 'd.', `${'a'.repeat(Math.min(times, 1000))}.`, 'tR.', '\x91.']));
  if (dice.chance(0.6)) return joined(latin1('\x80\x02('), repeats, close);
  return replaced(bytes, dice.below(bytes.length + 1), 0, repeats);
}

export const amplifiedPickle: Mutator = amplifyPickle;

// Zip

/** A zip archive with stored entries, as PyTorch writes it except for the alignment. */
export function zipOf(entries: readonly (readonly [name: string, data: Uint8Array])[]): Uint8Array {
  const locals: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, data] of entries) {
    const title = bytesOf(name);
    const head = new DataView(new ArrayBuffer(46));
    head.setUint32(0, 0x02014b50, true);
    head.setUint32(16, crc32(data), true);
    head.setUint32(20, data.length, true);
    head.setUint32(24, data.length, true);
    head.setUint16(28, title.length, true);
    head.setUint32(42, offset, true);
    const local = new Uint8Array(30);
    local.set([0x50, 0x4b, 3, 4]);
    local.set(new Uint8Array(head.buffer, 16, 12), 14);
    local.set([title.length & 255, title.length >> 8], 26);
    locals.push(local, title, data);
    directory.push(new Uint8Array(head.buffer), title);
    offset += 30 + title.length + data.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, entries.length, true);
  end.setUint16(10, entries.length, true);
  end.setUint32(12, size, true);
  end.setUint32(16, offset, true);
  return joinAll([...locals, ...directory, new Uint8Array(end.buffer)]);
}

/** The entries of an archive; undefined if it cannot be read. */
export function unzipped(bytes: Uint8Array): [string, Uint8Array][] | undefined {
  try {
    return [...openZip(partsOf(bytes)).values()].map(({ name, read }) => [name, read()]);
  } catch {
    return undefined;
  }
}

const onEntry =
  (change: (bytes: Uint8Array, dice: Dice) => Uint8Array): Mutator =>
  (bytes, dice) => {
    const entries = unzipped(bytes);
    if (!entries || entries.length === 0) return bytes;
    const pickled = entries.find(([name]) => name.endsWith('.pkl'));
    const entry = pickled && dice.chance(0.8) ? pickled : dice.pick(entries);
    entry[1] = change(entry[1], dice);
    return zipOf(entries);
  };

/** Changes the pickle within a checkpoint, and corrects its checksum. */
export const zippedPickle: Mutator = onEntry(changePickle);
export const amplifiedZippedPickle: Mutator = onEntry(amplifyPickle);

/** Renames, cuts, doubles or removes an entry, or adds a huge number of entries. */
export const zipEntries: Mutator = (bytes, dice) => {
  const entries = unzipped(bytes);
  if (!entries || entries.length === 0) return bytes;
  const at = dice.below(entries.length);
  const [name, data] = entries[at];
  switch (dice.below(5)) {
    case 0:
      entries[at] = [
        dice.pick(['', '/', '../x', 'a/data.pkl', 'data.pkl', 'a/byteorder', 'a/constants.pkl', '\0', `${name}2`]),
        data,
      ];
      break;
    case 1:
      entries[at] = [name, data.subarray(0, dice.below(data.length + 1))];
      break;
    case 2:
      entries.splice(at, 1);
      break;
    case 3:
      entries.push([`${name}${dice.below(9)}`, data]);
      break;
    default:
      entries[at] = [name, joined(data, new Uint8Array(dice.length(64)))];
  }
  return zipOf(entries);
};

export const amplifiedZip: Mutator = (_bytes, dice) =>
  zipOf(Array.from({ length: dice.length(40_000) }, (_, i) => [`${i}`, new Uint8Array()] as const));

// safetensors

const withHeader =
  (change: (text: string, dice: Dice) => string): Mutator =>
  (bytes, dice) => {
    if (bytes.length < 10) return bytes;
    const frame = new DataView(bytes.buffer, bytes.byteOffset, 8);
    const length = Math.min(bytes.length - 8, frame.getUint32(0, true));
    const header = bytesOf(change(textOf(bytes.subarray(8, 8 + length)), dice));
    const size = new DataView(new ArrayBuffer(8));
    size.setUint32(0, header.length, true);
    return joined(new Uint8Array(size.buffer), header, bytes.subarray(8 + length));
  };

/** Changes the header as JSON, and corrects its length. */
export const safetensorsHeader: Mutator = withHeader(changeJson);
export const amplifiedHeader: Mutator = withHeader(amplifyJson);

const keepString = (text: string, dice: Dice, change: (text: string, dice: Dice) => string): string => {
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(text);
  } catch {
    return text;
  }
  const strings = (header?.__metadata__ ?? header) as Record<string, string>;
  if (typeof strings !== 'object' || strings === null) return text;
  const keys = Object.keys(strings).filter((key) => typeof strings[key] === 'string');
  if (keys.length === 0) return text;
  const key = dice.pick(keys);
  strings[key] = change(strings[key], dice);
  return JSON.stringify(header);
};

/** Changes one of the metadata's strings, which may be JSON itself. */
export const changeMetadata = (text: string, dice: Dice): string =>
  keepString(text, dice, (value) => {
    if (/^[[{]/.test(value)) return changeJson(value, dice);
    return dice.pick([
      '',
      '0',
      '-1',
      '1e999',
      '999999',
      '1000000',
      'lse',
      'max',
      '[]',
      '{}',
      'null',
      'constructor',
      `${value} `,
      value.toUpperCase(),
    ]);
  });
export const amplifyMetadata = (text: string, dice: Dice): string => keepString(text, dice, amplifyJson);
export const headerMetadata: Mutator = withHeader(changeMetadata);
export const amplifiedMetadata: Mutator = withHeader(amplifyMetadata);

// tar

const BLOCK = 512;

/** Changes a field of a header and corrects the header's checksum, also in a compressed archive. */
export const tarHeader: Mutator = (bytes, dice) => {
  const zipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  let tar: Uint8Array;
  try {
    tar = zipped ? new Uint8Array(gunzipSync(bytes, { maxOutputLength: 16 << 20 })) : bytes.slice();
  } catch {
    return bytes;
  }
  const headers = Array.from({ length: Math.floor(tar.length / BLOCK) }, (_, i) => i * BLOCK).filter(
    (at) => String.fromCharCode(...tar.subarray(at + 257, at + 262)) === 'ustar',
  );
  if (headers.length === 0) return bytes;
  const at = dice.pick(headers);
  const [from, length] = dice.pick([
    [0, 100],
    [100, 8],
    [124, 12],
    [136, 12],
    [156, 1],
    [157, 100],
    [257, 8],
    [345, 155],
  ]);
  const values = [
    '',
    '0',
    '7777777777',
    '-1',
    '\x80\0\0\0\xff\xff\xff\xff',
    '\xff\xff\xff\xff',
    '../../x.txt',
    'a.xml',
    '5',
    'x',
    'L',
    'g',
    '1',
    '\0',
  ];
  const value = latin1(dice.pick(values)).subarray(0, length);
  tar.fill(0, at + from, at + from + length);
  tar.set(value, at + from);
  if (dice.chance(0.9)) {
    tar.fill(0x20, at + 148, at + 156);
    const sum = tar.subarray(at, at + BLOCK).reduce((total, byte) => total + byte, 0);
    tar.set(latin1(`${sum.toString(8).padStart(6, '0')}\0 `), at + 148);
  }
  return zipped ? new Uint8Array(gzipSync(tar, { level: 1 })) : tar;
};

/** Adds a very long run of zeros, which compresses well, as content or as a header. */
export const amplifiedTar: Mutator = (bytes, dice) => {
  const zipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!zipped) return joined(bytes, bytes, new Uint8Array(dice.length(1 << 20)), bytes);
  const tar = new Uint8Array(gunzipSync(bytes));
  const header = tar.slice(0, BLOCK);
  const size = dice.length(48 << 20);
  header.fill(0, 124, 136);
  header.set(latin1(size.toString(8).padStart(11, '0')), 124);
  header[156] = dice.pick([0x30, 0x78, 0x67, 0x4c, 0x4b, 0x35]);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(latin1(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  const padded = new Uint8Array(Math.ceil(size / BLOCK) * BLOCK).fill(dice.pick([0, 0x20, 0x61]), 0, size);
  return new Uint8Array(gzipSync(joined(header, padded, tar), { level: 1 }));
};
