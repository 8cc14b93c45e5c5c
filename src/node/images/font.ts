/** Loads the font of overlays, DejaVu Sans. It comes through npm, so that the machine needs no fonts of its own. */
import { readFile } from 'node:fs/promises';
import { inflateSync } from 'node:zlib';
import type { Font, Glyph } from '../../overlay/text.js';

const FILE = new URL('../vendor/dejavu-sans.woff', import.meta.url);
const LETTERS = { moveTo: 'M', lineTo: 'L', quadraticCurveTo: 'Q', bezierCurveTo: 'C', closePath: 'Z' } as const;

let loaded: Promise<Font> | undefined;

/** Loads the font once. It has Latin, Greek, Cyrillic, Arabic, Hebrew and mathematics. Other characters are shown as a frame. */
export function loadFont(): Promise<Font> {
  loaded ??= readFont();
  return loaded;
}

async function readFont(): Promise<Font> {
  const { create } = await import('../vendor/fontkitten.js');
  const font = create(unwrapWoff(await readFile(FILE)));
  if (font.isCollection) throw new Error(`${FILE} is a collection of fonts`);
  const glyphs = new Map<number, Glyph>();
  const read = (codePoint: number): Glyph => {
    const { advanceWidth, path } = font.glyphForCodePoint(codePoint);
    return { advance: advanceWidth, commands: path.commands.map(({ command, args }) => [LETTERS[command], ...args]) };
  };
  return {
    unitsPerEm: font.unitsPerEm,
    glyph(codePoint) {
      const glyph = glyphs.get(codePoint) ?? read(codePoint);
      glyphs.set(codePoint, glyph);
      return glyph;
    },
  };
}

/**
 * Turns a WOFF file into an OpenType file with inflated tables (W3C WOFF 1.0, sections 3 to 5). The font library can read WOFF too, but it
 * inflates a table again for each glyph, which takes seconds.
 */
function unwrapWoff(woff: Buffer): Buffer {
  const count = woff.readUInt16BE(12);
  const directory = Buffer.alloc(12 + 16 * count);
  woff.copy(directory, 0, 4, 8); // flavour
  directory.writeUInt16BE(count, 4);
  const parts: Uint8Array[] = [directory];
  let offset = directory.length;
  for (let i = 0; i < count; i++) {
    const entry = woff.subarray(44 + 20 * i, 64 + 20 * i);
    const [start, packedLength, length] = [4, 8, 12].map((at) => entry.readUInt32BE(at));
    const packed = woff.subarray(start, start + packedLength);
    const table = packedLength < length ? inflateSync(packed, { maxOutputLength: length }) : packed;
    const at = 12 + 16 * i;
    entry.copy(directory, at, 0, 4); // tag
    entry.copy(directory, at + 4, 16, 20); // checksum
    directory.writeUInt32BE(offset, at + 8);
    directory.writeUInt32BE(length, at + 12);
    const padding = Buffer.alloc(-length & 3);
    parts.push(table, padding);
    offset += table.length + padding.length;
  }
  return Buffer.concat(parts);
}
