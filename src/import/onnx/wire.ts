/**
 * Reads fields of protobuf messages within bounds: nothing is read beyond the end of its message, and a count is compared with the number of
 * bytes before anything is allocated for it.
 */
import { InputError } from '../../errors.js';
import { BinaryReader, WireType } from '../../vendor/protobuf.js';

/** One field of a message. The reader calls the method for the type that the format defines for this field. */
export interface Field {
  readonly number: number;
  /** The bytes of a text, of bytes, of a message or of a packed list. They are a view of the file. */
  bytes(): Uint8Array;
  /** A whole number. Beyond 2^53 it is rounded; such numbers are used for "to the end". */
  integer(): number;
  /** @param most the limit in bytes. Default: that of names. */
  text(most?: number): string;
  /** The numbers of a repeated field, packed or not. */
  integers(): number[];
  floats(): number[];
  /** The bytes of a repeated field of numbers, as they are when it is packed. */
  packed(): Uint8Array;
}

/** The most numbers of one repeated field of a node. Tensors have no such limit: their length is that of their bytes. */
const MOST_NUMBERS = 65_536;
const LONGEST_TEXT = 1 << 20;

export const damaged = (why: string) =>
  new InputError(`onnx: the file is damaged: ${why}`, { hint: 'download or export it again' });

/**
 * Calls `take` for every field of a message.
 * @throws InputError if the message ends within a field, or holds what protobuf does not know
 */
export function readFields(bytes: Uint8Array, take: (field: Field) => void): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = guarded(() => reader.tag());
    const start = reader.pos;
    // Groups are of the first protobuf; no ONNX file has any.
    if (type === WireType.StartGroup || type === WireType.EndGroup) throw damaged(`a group (field ${number})`);
    const raw = guarded(() => reader.skip(type, number));
    if (reader.pos > reader.len) throw damaged(`field ${number} ends after the message`);
    take(fieldOf(number, type, bytes.subarray(start, start + raw.length)));
  }
}

function fieldOf(number: number, type: WireType, raw: Uint8Array): Field {
  const expect = (...types: WireType[]) => {
    if (!types.includes(type)) throw damaged(`field ${number} has the wire type ${type}`);
    return new BinaryReader(raw);
  };
  const content = () => guarded(() => expect(WireType.LengthDelimited).bytes());
  const listOf = (one: WireType, least: number, read: (reader: BinaryReader) => number): number[] => {
    const reader = type === WireType.LengthDelimited ? new BinaryReader(content()) : expect(one);
    if (reader.len > MOST_NUMBERS * least)
      throw new InputError('onnx: an attribute has too many numbers', { expected: `at most ${MOST_NUMBERS}` });
    const list: number[] = [];
    guarded(() => {
      while (reader.pos < reader.len) list.push(read(reader));
    });
    return list;
  };
  return {
    number,
    bytes: content,
    packed: () => (type === WireType.LengthDelimited ? content() : raw),
    integer: () => guarded(() => Number(expect(WireType.Varint).int64())),
    text(most = LONGEST_TEXT) {
      const bytes = content();
      if (bytes.length > most) throw new InputError('onnx: a text is too long', { expected: `at most ${most} bytes` });
      return new TextDecoder().decode(bytes);
    },
    integers: () => listOf(WireType.Varint, 1, (reader) => Number(reader.int64())),
    floats: () => listOf(WireType.Bit32, 4, (reader) => reader.float()),
  };
}

/** Turns errors of the library, for a truncated or wrong message, into errors about the file. */
function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw damaged(cause instanceof Error ? cause.message : String(cause));
  }
}

/** Appends a field to those with its number. Copying the list for each field would take time that grows with the square of their number. */
export function kept(fields: Map<number, Field[]>, field: Field): void {
  const list = fields.get(field.number);
  if (list) list.push(field);
  else fields.set(field.number, [field]);
}
