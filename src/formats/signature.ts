/** Detects the format of a file by its first bytes. */

// Offset, characters and name of each format. A dot in the characters stands for any byte.
const SIGNATURES: [number, string, string][] = [
  [0, '\x89PNG\r\n\x1a\n', 'PNG'],
  [0, '\xff\xd8\xff', 'JPEG'],
  [128, 'DICM', 'DICOM'],
  [0, 'GIF8', 'GIF'],
  [0, 'RIFF....WEBP', 'WebP'],
  [0, 'BM....\0\0\0\0', 'BMP'],
  [0, 'II*\0', 'TIFF'],
  [0, 'MM\0*', 'TIFF'],
  [0, '\0\0\0\x0cjP  ', 'JPEG 2000'],
  [0, '\xff\x4f\xff\x51', 'JPEG 2000'],
  [4, 'ftyp', 'ftyp'],
  [0, '%PDF', 'PDF'],
  // An archive of Keras 3: the name of its first entry stands behind 30 bytes.
  ...['metadata.json', 'config.json', 'model.weights.h5'].map((name): [number, string, string] => [
    0,
    `PK\x03\x04${'.'.repeat(26)}${name}`,
    'Keras',
  ]),
  [0, 'PK\x03\x04', 'zip'],
  [0, 'PK\x05\x06', 'zip'],
  [0, '\x1f\x8b', 'gzip'],
  [257, 'ustar', 'tar'],
  [0, '\x89HDF\r\n\x1a\n', 'HDF5'],
  [0, 'GGUF', 'GGUF'],
  [0, '\x93NUMPY', 'NumPy'],
  [4, 'TFL3', 'TensorFlow Lite'],
  [0, 'version https://git-lfs', 'git-lfs pointer'],
  // Eight bytes with a length below 2^32, then JSON.
  [4, '\0\0\0\0{', 'safetensors'],
  // torch.save before PyTorch 1.6 begins a file with a pickle of its magic number.
  [0, '\x80.\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19', 'torch stream'],
  [0, '\x80\x02', 'pickle'],
  [0, '\x80\x03', 'pickle'],
  [0, '\x80\x04', 'pickle'],
  [0, '\x80\x05', 'pickle'],
  // The first field of an ONNX model is the version of its format. The second may be the producer, the graph or the operators' version.
  [0, '\x08.\x12', 'ONNX'],
  [0, '\x08.\x1a', 'ONNX'],
  [0, '\x08.\x22', 'ONNX'],
  [0, '\x08.\x3a', 'ONNX'],
  [0, '\x08.\x42', 'ONNX'],
];

/** The image formats that raybox decodes itself, as sentences name them. */
export const READ_FORMATS = 'PNG or JPEG';

/** Image formats that raybox leaves to the browser to decode, and so only reads in pages. */
export const BROWSER_FORMATS: readonly string[] = ['WebP', 'AVIF', 'GIF', 'BMP'];

/** The name of a file's format. It is `'HTML'`, `'text'`, `'empty'` or `'unknown'` if no signature fits. */
export function detectFormat(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'empty';
  for (const [offset, pattern, name] of SIGNATURES)
    if (fits(bytes, offset, pattern)) return name === 'ftyp' ? containerFormat(bytes) : name;
  if (!looksLikeText(bytes)) return 'unknown';
  const text = new TextDecoder().decode(bytes.subarray(0, 512)).trimStart().toLowerCase();
  return /^<(?:!doctype html|html|head|body)/.test(text) ? 'HTML' : 'text';
}

/** The format of an ISO base media file, by the brands that its first box lists. */
function containerFormat(bytes: Uint8Array): string {
  const brands = String.fromCharCode(...bytes.subarray(8, Math.min(64, Math.max(12, bytes[3]))));
  return /avi[fs]/.test(brands) ? 'AVIF' : /hei|hev|mif1/.test(brands) ? 'HEIC' : 'MPEG-4';
}

function fits(bytes: Uint8Array, offset: number, pattern: string): boolean {
  if (bytes.length < offset + pattern.length) return false;
  for (let i = 0; i < pattern.length; i++)
    if (pattern[i] !== '.' && bytes[offset + i] !== pattern.charCodeAt(i)) return false;
  return true;
}

function looksLikeText(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 512).every((byte) => byte >= 0x20 || byte === 9 || byte === 10 || byte === 13);
}
