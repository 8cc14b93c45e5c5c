/**
 * Decodes one scan of a JPEG. A sequential scan contains one or more components completely. A progressive scan contains some of their
 * coefficients, or some bits of those.
 */
import { type BitReader, createBitReader, damaged, type HuffmanTable } from './jpeg_bits.js';
import { type Component, type Frame, type Tables, ZIGZAG } from './jpeg_frame.js';
import { inverseTransform } from './jpeg_idct.js';

/** A component in a scan. */
interface Part {
  component: Component;
  dc: HuffmanTable | undefined;
  ac: HuffmanTable | undefined;
  /** The DC coefficient (mean) of the last block. The next one is coded as the difference to it. */
  predicted: number;
}

/** Which coefficients a scan contains (first … last, in coded order), and which of their bits. */
interface Progression {
  first: number;
  last: number;
  /** The lowest bit of the scan before, or 0 if this is the first one, and the lowest bit of this scan. */
  before: number;
  now: number;
}

type DecodeBlock = (part: Part, coefficients: Int16Array, at: number) => void;

interface Decoder {
  block: DecodeBlock;
  restart(): void;
}

/**
 * Decodes the scan whose header is `segment` and whose bits begin at `at`. A sequential scan gives samples, a progressive one gives
 * coefficients.
 * @returns the position of the next marker
 */
export function decodeScan(bytes: Uint8Array, at: number, segment: Uint8Array, frame: Frame, tables: Tables): number {
  const { parts, progression } = readHeader(segment, frame, tables);
  let unit = 0;
  const rowsDone = () => {
    const rows = (Math.floor(unit / across) + 1) * 8 * (alone ? frame.v / only.v : frame.v);
    return `within the first ${Math.min(frame.height, rows)} of ${frame.height} rows${frame.progressive ? ' of a progressive scan' : ''}`;
  };
  const reader = createBitReader(bytes, at, rowsDone);
  const decoder = frame.progressive ? progressiveDecoder(reader, progression) : sequentialDecoder(reader);
  const block = new Int16Array(64);

  function decodeAt(part: Part, row: number, column: number): void {
    const { component } = part;
    const { columns, plane, coefficients, steps } = component;
    if (coefficients) {
      decoder.block(part, coefficients, (row * columns + column) * 64);
      return;
    }
    block.fill(0);
    decoder.block(part, block, 0);
    inverseTransform(block, 0, steps!, plane!, (row * columns * 8 + column) * 8, columns * 8);
  }

  // If a scan has one component only, it does not contain the blocks that only fill the coded units of several components.
  const [{ component: only }] = parts;
  const alone = parts.length === 1;
  const across = alone ? Math.ceil(only.width / 8) : only.columns / only.h;
  const down = alone ? Math.ceil(only.height / 8) : only.rows / only.v;
  const interval = tables.restartInterval || Number.POSITIVE_INFINITY;
  for (let left = interval, restarts = 0; unit < across * down; unit++, left--) {
    const [row, column] = [Math.floor(unit / across), unit % across];
    if (left === 0) {
      reader.restart(restarts++ % 8);
      for (const part of parts) part.predicted = 0;
      decoder.restart();
      left = interval;
    } else if (column === 0) reader.check();
    if (alone) decodeAt(parts[0], row, column);
    else {
      for (const part of parts) {
        const { h, v } = part.component;
        for (let y = 0; y < v; y++) for (let x = 0; x < h; x++) decodeAt(part, row * v + y, column * h + x);
      }
    }
  }
  return reader.end();
}

function readHeader(segment: Uint8Array, frame: Frame, tables: Tables): { parts: Part[]; progression: Progression } {
  const [count] = segment;
  if (segment.length !== 4 + 2 * count || count < 1 || count > 4) throw damaged('a scan with an impossible header');
  const parts = Array.from({ length: count }, (_, i): Part => {
    const [id, places] = segment.subarray(1 + 2 * i);
    const component = frame.components.find((one) => one.id === id);
    if (!component) throw damaged('a scan of a component that is not there');
    return { component, dc: tables.dc[places >> 4], ac: tables.ac[places & 15], predicted: 0 };
  });
  if (new Set(parts.map(({ component }) => component)).size < count)
    throw damaged('a scan that names a component twice');
  const blocks = parts.reduce((sum, { component: { h, v } }) => sum + h * v, 0);
  if (count > 1 && blocks > 10) throw damaged('a scan with more than 10 blocks in a unit');
  const [first, last, shifts] = segment.subarray(1 + 2 * count);
  const progression = { first, last, before: shifts >> 4, now: shifts & 15 };
  const possible = first === 0 ? last === 0 : last >= first && last < 64 && count === 1;
  if (
    frame.progressive &&
    (!possible || progression.now > 13 || (progression.before > 0 && progression.before !== progression.now + 1))
  )
    throw damaged('a progressive scan with an impossible header');
  for (const { component, dc, ac } of parts) {
    const needsAc = !frame.progressive || first > 0;
    const needsDc = !frame.progressive || (first === 0 && progression.before === 0);
    if ((needsDc && !dc) || (needsAc && !ac)) throw damaged('a scan without its Huffman table');
    component.steps ??= tables.quantisation[component.table];
    if (!component.steps) throw damaged('a component without its quantisation table');
    const size = component.columns * component.rows * 64;
    if (frame.progressive) {
      component.coefficients ??= new Int16Array(size);
      component.bits ??= new Uint8Array(64).fill(255);
      component.bits.fill(progression.now, progression.first, progression.last + 1);
    } else component.plane ??= new Uint8Array(size);
  }
  return { parts, progression };
}

function sequentialDecoder(reader: BitReader): Decoder {
  const block: DecodeBlock = (part, coefficients, at) => {
    part.predicted += reader.signed(reader.symbol(part.dc!) & 15);
    coefficients[at] = part.predicted;
    for (let k = 1; k < 64; k++) {
      const symbol = reader.symbol(part.ac!);
      const size = symbol & 15;
      const zeros = symbol >> 4;
      if (size === 0) {
        if (zeros < 15) return;
        k += 15;
        continue;
      }
      k += zeros;
      if (k > 63) throw damaged('a block with more than 64 coefficients');
      coefficients[at + ZIGZAG[k]] = reader.signed(size);
    }
  };
  return { block, restart() {} };
}

function progressiveDecoder(reader: BitReader, { first, last, before, now }: Progression): Decoder {
  /** The number of coming blocks for which this scan has no new coefficients. */
  let finished = 0;
  const restart = () => {
    finished = 0;
  };
  const one = 1 << now;

  const meanFirst: DecodeBlock = (part, coefficients, at) => {
    part.predicted += reader.signed(reader.symbol(part.dc!) & 15);
    coefficients[at] = part.predicted << now;
  };
  const meanRefined: DecodeBlock = (_, coefficients, at) => {
    if (reader.bits(1)) coefficients[at] |= one;
  };
  const othersFirst: DecodeBlock = (part, coefficients, at) => {
    if (finished > 0) {
      finished -= 1;
      return;
    }
    for (let k = first; k <= last; k++) {
      const symbol = reader.symbol(part.ac!);
      const size = symbol & 15;
      const zeros = symbol >> 4;
      if (size === 0) {
        if (zeros < 15) {
          finished = (1 << zeros) - 1 + reader.bits(zeros);
          return;
        }
        k += 15;
        continue;
      }
      k += zeros;
      if (k > 63) throw damaged('a block with more than 64 coefficients');
      coefficients[at + ZIGZAG[k]] = reader.signed(size) << now;
    }
  };
  // A refining scan has one more bit for each coefficient that is not zero already. One that becomes non-zero in this scan is ±1 at
  // that bit.
  const refine = (coefficients: Int16Array, place: number) => {
    const value = coefficients[place];
    if (reader.bits(1) && (value & one) === 0) coefficients[place] = value < 0 ? value - one : value + one;
  };
  const othersRefined: DecodeBlock = (part, coefficients, at) => {
    let k = first;
    for (; finished === 0 && k <= last; k++) {
      const symbol = reader.symbol(part.ac!);
      let zeros = symbol >> 4;
      let fresh = 0;
      if ((symbol & 15) !== 0) fresh = reader.bits(1) ? one : -one;
      else if (zeros < 15) {
        finished = (1 << zeros) + reader.bits(zeros);
        break;
      }
      for (; k <= last; k++) {
        const place = at + ZIGZAG[k];
        if (coefficients[place] !== 0) refine(coefficients, place);
        else if (--zeros < 0) break;
      }
      if (fresh === 0) continue;
      if (k > last) throw damaged('a block with more than 64 coefficients');
      coefficients[at + ZIGZAG[k]] = fresh;
    }
    if (finished === 0) return;
    for (; k <= last; k++) if (coefficients[at + ZIGZAG[k]] !== 0) refine(coefficients, at + ZIGZAG[k]);
    finished -= 1;
  };
  const block = first === 0 ? (before === 0 ? meanFirst : meanRefined) : before === 0 ? othersFirst : othersRefined;
  return { block, restart };
}

/** Whether all bits of all components have been read. */
export const isWhole = ({ components, progressive }: Frame): boolean =>
  components.every(({ plane, bits }) => (progressive ? bits?.every((lowest) => lowest === 0) : plane !== undefined));

/** Transforms the coefficients of a progressive file to samples, after its last scan. Other components are not changed. */
export function transformComponent(component: Component): void {
  const { columns, rows, coefficients, steps } = component;
  if (!coefficients) return;
  const plane = new Uint8Array(coefficients.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      inverseTransform(
        coefficients,
        (row * columns + column) * 64,
        steps!,
        plane,
        (row * columns * 8 + column) * 8,
        columns * 8,
      );
  component.plane = plane;
  delete component.coefficients;
}
