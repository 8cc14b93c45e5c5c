/** CRC-32 as in zip and PNG files (ISO 3309: reflected, polynomial 0xEDB88320), computed four bytes at a time. */

// tables[k][b]: the checksum of byte b followed by k zero bytes.
let tables: Uint32Array[] | undefined;

function makeTables(): Uint32Array[] {
  const made = [0, 1, 2, 3].map(() => new Uint32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) * 0xedb88320);
    made[0][byte] = crc;
  }
  for (let k = 1; k < 4; k++)
    for (let byte = 0; byte < 256; byte++) {
      const crc = made[k - 1][byte];
      made[k][byte] = (crc >>> 8) ^ made[0][crc & 0xff];
    }
  return made;
}

/** The checksum of bytes, or of those that it was already made of and these behind them. */
export function crc32(bytes: Uint8Array, before = 0): number {
  tables ??= makeTables();
  const [t0, t1, t2, t3] = tables;
  let crc = ~before;
  let i = 0;
  for (const end = bytes.length - 3; i < end; i += 4) {
    crc ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    crc = t3[crc & 0xff] ^ t2[(crc >>> 8) & 0xff] ^ t1[(crc >>> 16) & 0xff] ^ t0[crc >>> 24];
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[i]) & 0xff];
  return ~crc >>> 0;
}
