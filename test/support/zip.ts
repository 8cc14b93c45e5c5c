/** Zip archives of stored entries, as PyTorch and Keras write them. */
import { crc32 } from '../../src/formats/crc32.js';

const raw = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const concat = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

/** An archive. An array that several entries share is stored once; a wide archive keeps sizes and offsets as zip64 does. */
export function zip(entries: Record<string, Uint8Array>, { method = 0, wide = false } = {}): Uint8Array {
  const files: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  const offsets = new Map<Uint8Array, number>();
  let end = 0;
  const record = (size: number, fields: [number, 2 | 4 | 8, number][], ...rest: Uint8Array[]) => {
    const view = new DataView(new ArrayBuffer(size));
    for (const [offset, width, value] of fields)
      if (width === 2) view.setUint16(offset, value, true);
      else if (width === 4) view.setUint32(offset, value, true);
      else view.setBigUint64(offset, BigInt(value), true);
    return concat(new Uint8Array(view.buffer), ...rest);
  };
  for (const [name, bytes] of Object.entries(entries)) {
    const fields = (from: number, size: number): [number, 2 | 4, number][] => [
      [from, 4, crc32(bytes)],
      [from + 4, 4, size],
      [from + 8, 4, size],
      [from + 12, 2, name.length],
    ];
    const unknown = 0xffffffff;
    const at = offsets.get(bytes) ?? end;
    if (!offsets.has(bytes)) {
      files.push(record(30, [[0, 4, 0x04034b50], ...fields(14, bytes.length)], raw(name), bytes));
      end += files[files.length - 1].length;
    }
    offsets.set(bytes, at);
    const extra: [number, 2 | 8, number][] = [
      [0, 2, 1],
      [2, 2, 24],
      [4, 8, bytes.length],
      [12, 8, bytes.length],
      [20, 8, at],
    ];
    directory.push(
      wide
        ? record(
            46,
            [[0, 4, 0x02014b50], ...fields(16, unknown), [30, 2, 28], [42, 4, unknown]],
            raw(name),
            record(28, extra),
          )
        : record(46, [[0, 4, 0x02014b50], [10, 2, method], ...fields(16, bytes.length), [42, 4, at]], raw(name)),
    );
  }
  const entry = concat(...directory);
  const end64 = record(56, [
    [0, 4, 0x06064b50],
    [40, 8, entry.length],
    [48, 8, end],
  ]);
  const locator = record(20, [
    [0, 4, 0x07064b50],
    [8, 8, end + entry.length],
  ]);
  if (wide)
    return concat(
      ...files,
      entry,
      end64,
      locator,
      record(22, [
        [0, 4, 0x06054b50],
        [12, 4, 0xffffffff],
        [16, 4, 0xffffffff],
      ]),
    );
  return concat(
    ...files,
    entry,
    record(22, [
      [0, 4, 0x06054b50],
      [12, 4, entry.length],
      [16, 4, end],
    ]),
  );
}
