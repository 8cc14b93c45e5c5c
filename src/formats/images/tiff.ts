/** Reads the first directory of a TIFF header. EXIF and the Multi-Picture Format of JPEG files store their values there. */

/** The position of a tag's value; undefined if the header is cut or has no such tag. */
export function findTag(tiff: Uint8Array, tag: number): { view: DataView; at: number; little: boolean } | undefined {
  if (tiff.length < 10) return undefined;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = tiff[0] === 0x49;
  const start = view.getUint32(4, little);
  if (start + 2 > tiff.length) return undefined;
  const end = Math.min(tiff.length, start + 2 + 12 * view.getUint16(start, little));
  for (let entry = start + 2; entry + 12 <= end; entry += 12)
    if (view.getUint16(entry, little) === tag) return { view, at: entry + 8, little };
  return undefined;
}
