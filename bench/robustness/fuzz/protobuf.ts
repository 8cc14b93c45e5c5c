/** Changes messages of protobuf: one field somewhere in the tree of messages, with the lengths around it corrected. */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type Dice, joinAll, MAX_MUTANT_BYTES, type Mutator } from './mutate.js';

interface Field {
  number: number;
  type: WireType;
  /** The bytes behind the tag; of a field with a length, those behind the length. */
  content: Uint8Array;
}

/** The fields of a message; undefined for bytes that are none. */
function fieldsOf(bytes: Uint8Array): Field[] | undefined {
  const reader = new BinaryReader(bytes);
  const fields: Field[] = [];
  try {
    while (reader.pos < reader.len) {
      const [number, type] = reader.tag();
      if (type === WireType.LengthDelimited) fields.push({ number, type, content: reader.bytes() });
      else {
        const start = reader.pos;
        reader.skip(type, number);
        fields.push({ number, type, content: bytes.subarray(start, reader.pos) });
      }
    }
  } catch {
    return undefined;
  }
  return fields;
}

function encoded(fields: readonly Field[]): Uint8Array {
  return joinAll(
    fields.flatMap(({ number, type, content }) => {
      const tag = new BinaryWriter().tag(number, type);
      const head = type === WireType.LengthDelimited ? tag.uint32(content.length).finish() : tag.finish();
      return [head, content];
    }),
  );
}

/** Changes one field of a message, or of a message within it. */
function within(
  bytes: Uint8Array,
  dice: Dice,
  change: (fields: Field[], at: number) => Field[],
  depth = 0,
): Uint8Array {
  const fields = fieldsOf(bytes);
  if (!fields?.length) return bytes;
  const at = dice.below(fields.length);
  const { type, content } = fields[at];
  const isMessage = type === WireType.LengthDelimited && content.length > 1 && fieldsOf(content) !== undefined;
  if (isMessage && depth < 6 && dice.chance(0.8)) {
    const inner = within(content, dice, change, depth + 1);
    return encoded(fields.map((field, i) => (i === at ? { ...field, content: inner } : field)));
  }
  return encoded(change(fields, at));
}

const NUMBERS = [0n, 1n, 2n, 3n, 7n, 9n, 16n, 127n, 255n, 65_536n, 2n ** 31n - 1n, 2n ** 32n, 2n ** 62n, -1n, -2n];

/** Another number, another text or list, a field that is missing, doubled or of another kind. */
export const protobufField: Mutator = (bytes, dice) =>
  within(bytes, dice, (fields, at) => {
    const field = fields[at];
    const others = (content: Uint8Array) => fields.map((one, i) => (i === at ? { ...field, content } : one));
    switch (dice.below(6)) {
      case 0:
        return fields.filter((_, i) => i !== at);
      case 1:
        return [...fields, field];
      case 2:
        return fields.map((one, i) => (i === at ? { ...field, number: 1 + dice.below(26) } : one));
      case 3:
        return fields.map((one, i) => (i === at ? { ...dice.pick(fields), number: field.number } : one));
      default:
        if (field.type === WireType.Varint) return others(new BinaryWriter().int64(dice.pick(NUMBERS)).finish());
        if (field.type !== WireType.LengthDelimited) return others(field.content.map(() => dice.below(256)));
        return dice.chance(0.5)
          ? others(field.content.subarray(0, dice.below(field.content.length + 1)))
          : others(field.content.map((byte) => (dice.chance(0.1) ? dice.below(256) : byte)));
    }
  });

/** One field many times. */
export const amplifiedProtobuf: Mutator = (bytes, dice) => {
  const most = Math.floor((MAX_MUTANT_BYTES - bytes.length) / 2);
  return within(bytes, dice, (fields, at) => {
    const field = fields[at];
    const times = Math.min(dice.length(100_000), Math.max(1, Math.floor(most / (field.content.length + 8))));
    return [...fields, ...new Array<Field>(times).fill(field)];
  });
};
