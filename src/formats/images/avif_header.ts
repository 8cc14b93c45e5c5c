/**
 * The header of an AVIF file, which is a tree of boxes (ISO/IEC 14496-12, 23008-12). The boxes describe items and their properties. An item
 * is a picture or a tile of one.
 */
import { InputError } from '../../errors.js';
import type { PictureHeader } from './picture_facts.js';

interface Box {
  type: string;
  /** The content begins at byte `at` and ends before byte `end`. */
  at: number;
  end: number;
}

/** @throws InputError for a damaged file, or RangeError for one that ends too early. */
export function readAvifHeader(bytes: Uint8Array, view: DataView): PictureHeader {
  const top = [...boxesIn(view, 0, bytes.length)];
  const brands = String.fromCharCode(...bytes.subarray(8, Math.min(top[0]?.end ?? 8, 256)));
  const meta = top.find(({ type }) => type === 'meta');
  const inside = meta ? [...boxesIn(view, meta.at + 4, meta.end)] : [];
  const properties = inside.find(({ type }) => type === 'iprp');
  const groups = properties ? [...boxesIn(view, properties.at, properties.end)] : [];
  const container = groups.find(({ type }) => type === 'ipco');
  const all = container ? [...boxesIn(view, container.at, container.end)] : [];

  const primary = inside.find(({ type }) => type === 'pitm');
  const id = primary && itemId(view, primary.at + 4, view.getUint8(primary.at));
  const own = groups
    .filter(({ type }) => type === 'ipma')
    .flatMap((box) => propertiesOf(view, box, id))
    .map((index) => all[index - 1]);
  const isTurned = own.some((box) => box?.type === 'imir' || (box?.type === 'irot' && (bytes[box.at] & 3) !== 0));
  const depths = all.filter(({ type }) => type === 'av1C').map(({ at }) => depthOf(view.getUint8(at + 2)));
  return {
    size: largest(all.filter(({ type }) => type === 'ispe').map(({ at }) => sizeAt(view, at + 4))),
    orientation: 1, // viewers of an AVIF ignore EXIF's orientation, and follow the boxes irot and imir
    isTurned,
    hasMore: brands.includes('avis'),
    bits: depths.reduce<number>((most, depth) => Math.max(most, depth), 8),
  };
}

const MAX_BOXES = 65_536;

function* boxesIn(view: DataView, from: number, to: number): Generator<Box> {
  let count = 0;
  for (let at = from; at < to; ) {
    if (++count > MAX_BOXES) throw new InputError('AVIF: too many boxes', { expected: `at most ${MAX_BOXES}` });
    const short = view.getUint32(at);
    const type = String.fromCharCode(...[4, 5, 6, 7].map((i) => view.getUint8(at + i)));
    const size = short === 1 ? Number(view.getBigUint64(at + 8)) : short === 0 ? to - at : short;
    const head = short === 1 ? 16 : 8;
    if (size < head) throw new InputError('AVIF: impossible box', { given: `${type} of ${size} bytes at byte ${at}` });
    if (at + size > to) throw new RangeError();
    yield { type, at: at + head, end: at + size };
    at += size;
  }
}

const itemId = (view: DataView, at: number, version: number) =>
  version === 0 ? view.getUint16(at) : view.getUint32(at);

/** The numbers, counted from 1, of the properties that an item property association box lists for one item. */
function propertiesOf(view: DataView, box: Box, id: number | undefined): number[] {
  const version = view.getUint8(box.at);
  const isWide = (view.getUint8(box.at + 3) & 1) === 1;
  const found: number[] = [];
  let at = box.at + 8;
  for (let entries = view.getUint32(box.at + 4); entries > 0; entries--) {
    const isOwn = itemId(view, at, version) === id;
    at += version === 0 ? 2 : 4;
    for (let count = view.getUint8(at++); count > 0; count--, at += isWide ? 2 : 1) {
      if (isOwn) found.push(isWide ? view.getUint16(at) & 0x7fff : view.getUint8(at) & 0x7f);
    }
  }
  return found;
}

/** The bits of a sample, 8, 10 or 12, from the third byte of an AV1 configuration. */
const depthOf = (flags: number) => (flags & 0x40 ? (flags & 0x20 ? 12 : 10) : 8);

const sizeAt = (view: DataView, at: number) => ({ width: view.getUint32(at), height: view.getUint32(at + 4) });

/** The largest of several sizes, which may be those of a picture and of its tiles. */
function largest(sizes: readonly { width: number; height: number }[]) {
  return sizes.reduce<(typeof sizes)[number] | undefined>(
    (most, size) => (most && most.width * most.height >= size.width * size.height ? most : size),
    undefined,
  );
}
