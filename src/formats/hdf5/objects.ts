/** The header of an object of an HDF5 file: the messages that say what the object is. */
import { damaged, type Hdf5Bytes, unsupported } from './bytes.js';

export const MESSAGE = {
  ...{ dataSpace: 0x01, linkInfo: 0x02, dataType: 0x03, link: 0x06, layout: 0x08, filters: 0x0b, attribute: 0x0c },
  ...{ continuation: 0x10, symbolTable: 0x11, attributeInfo: 0x15 },
} as const;

export interface Message {
  readonly type: number;
  readonly at: number;
  readonly length: number;
}

/** Messages that raybox reads and that several objects may share. An object then only has a reference to the message, which is refused. */
const READ: readonly number[] = [MESSAGE.dataSpace, MESSAGE.dataType, MESSAGE.layout, MESSAGE.attribute];

/** The messages of an object, including those in its continuation blocks. */
export function objectMessages(file: Hdf5Bytes, address: number): Message[] {
  const isOld = file.u8(address) === 1;
  if (!isOld) file.expectSignature(address, 'OHDR');
  const { first, perMessage, blockHead, blockTail } = isOld ? oldHeader(file, address) : newHeader(file, address);
  const messages: Message[] = [];
  const blocks = [first];
  const seen = new Set([first.at]);
  for (let i = 0; i < blocks.length; i++) {
    const { at: start, length } = blocks[i];
    const end = start + length;
    if (end > file.length) throw damaged(`an object reaches beyond its end`);
    for (let at = start; at + perMessage <= end; ) {
      const type = isOld ? file.u16(at) : file.u8(at);
      const size = file.u16(at + (isOld ? 2 : 1));
      const flags = file.u8(at + (isOld ? 4 : 3));
      const data = at + perMessage;
      if (data + size > end) throw damaged('a message reaches beyond its object');
      at = data + size;
      // Each message becomes an object in memory, even if it is empty, so each one is counted.
      file.pay(16);
      if (type === MESSAGE.continuation) {
        if (size < 16) throw damaged('an object does not say where it goes on');
        const [from, bytes] = [file.u64(data), file.u64(data + 8)];
        if (seen.has(from)) throw damaged('an object goes on where it was already');
        seen.add(from);
        if (!isOld) file.expectSignature(from, 'OCHK');
        if (bytes < blockHead + blockTail) throw damaged('an object goes on with nothing');
        blocks.push({ at: from + blockHead, length: bytes - blockHead - blockTail });
      } else if ((flags & 2) !== 0 && READ.includes(type)) throw unsupported('types that objects share');
      else messages.push({ type, at: data, length: size });
    }
  }
  return messages;
}

const oldHeader = (file: Hdf5Bytes, address: number) => ({
  first: { at: address + 16, length: file.u32(address + 8) },
  ...{ perMessage: 8, blockHead: 0, blockTail: 0 },
});

function newHeader(file: Hdf5Bytes, address: number) {
  const version = file.u8(address + 4);
  if (version !== 2) throw unsupported(`version ${version} of objects`);
  const flags = file.u8(address + 5);
  // Four timestamps and two limits on the number of attributes are skipped. Both are there only if a flag says so.
  const at = address + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
  const width = flags & 3;
  const length = width === 0 ? file.u8(at) : width === 1 ? file.u16(at) : width === 2 ? file.u32(at) : file.u64(at);
  return {
    first: { at: at + 2 ** width, length },
    // A flag says whether each message has its creation order. A block ends with a checksum.
    ...{ perMessage: flags & 4 ? 6 : 4, blockHead: 4, blockTail: 4 },
  };
}
