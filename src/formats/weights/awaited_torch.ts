/** The tensors of a zip archive of PyTorch of which parts have to be awaited, such as one in a Blob. */
import { crc32 } from '../crc32.js';
import { type AwaitedParts, type ByteRange, type Parts, PIECE_BYTES } from '../parts.js';
import { openTorch } from '../torch/torch.js';
import { checkCrc, LOCAL_BYTES, openZip, uncheckedPlace } from '../zip.js';
import { type Checkpoint, NotInMemoryError } from './checkpoint.js';
import { awaitedTensorIn, tensorsIn } from './file_tensors.js';

/** Entries that say which tensors there are, and those with the numbers of tensors. */
const OF_PYTORCH = /^([^/]+\/)?(data\.pkl|byteorder|data\/[^/]+)$/;

/** Storages of at most so many bytes are held, since they may be settings, whose numbers are needed at once. */
const SMALL_BYTES = 1024;

/** Bytes at the end of an archive, among which its end records are. */
const END_BYTES = 1 << 17;

/**
 * The checkpoint in an archive. Its entries are checked by their CRC-32 one after the other, so all bytes are read, and the tensors once more later.
 * @throws InputError as `openTorch` does; NotInMemoryError if the numbers of a large tensor are needed at once
 */
export async function awaitTorch(file: AwaitedParts, prefix?: string): Promise<Checkpoint> {
  const held = heldParts(file);
  await held.hold(0, Math.min(2, file.size));
  const end = Math.max(0, file.size - END_BYTES);
  const places = new Map<string, ByteRange>();
  const placeOf = ({ name }: { name: string }) => {
    const place = places.get(name);
    if (!place) throw new NotInMemoryError(`the entry ${name} was not checked`);
    return place;
  };
  const entries = openZip(held.with(end, await held.read(end, file.size)), placeOf);
  for (const { name, stored } of entries.values()) {
    if (!stored || !OF_PYTORCH.test(name)) continue;
    const { offset, length } = stored;
    const header = held.with(
      offset,
      await held.read(offset, Math.max(offset, Math.min(file.size, offset + LOCAL_BYTES))),
    );
    const place = uncheckedPlace(header, stored);
    let crc = 0;
    for (let at = place.start; at < place.end; at += PIECE_BYTES)
      crc = crc32(await held.read(at, Math.min(place.end, at + PIECE_BYTES)), crc);
    checkCrc(stored, crc);
    if (length <= SMALL_BYTES || !/data\/[^/]+$/.test(name)) await held.hold(place.start, place.end);
    places.set(name, place);
  }
  const inMemory = tensorsIn(held.parts);
  return openTorch(held.parts, prefix, {
    entries,
    tensorIn: (place, arrange) =>
      arrange || held.has(place.start, place.end) ? inMemory(place, arrange) : awaitedTensorIn(file, place),
  });
}

/** Those parts of a file that were read and are held. */
function heldParts(file: AwaitedParts) {
  const held: { start: number; bytes: Uint8Array }[] = [];
  const find = (start: number, end: number) =>
    held.find((part) => part.start <= start && end <= part.start + part.bytes.length);
  const read = async (start: number, end: number) => {
    const bytes = new Uint8Array(end - start);
    await file.read(start, bytes);
    return bytes;
  };
  const partsBeside = (others: typeof held): Parts => ({
    size: file.size,
    read(at, into) {
      const within = (part: (typeof held)[number]) =>
        part.start <= at && at + into.length <= part.start + part.bytes.length;
      const part = others.find(within) ?? find(at, at + into.length);
      if (!part) throw new NotInMemoryError(`the bytes from ${at} on have to be awaited`);
      into.set(part.bytes.subarray(at - part.start, at - part.start + into.length));
    },
  });
  return {
    read,
    has: (start: number, end: number) => find(start, end) !== undefined,
    parts: partsBeside([]),
    /** The same with some bytes more. */
    with: (start: number, bytes: Uint8Array) => partsBeside([{ start, bytes }]),
    async hold(start: number, end: number) {
      held.push({ start, bytes: await read(start, end) });
    },
  };
}
