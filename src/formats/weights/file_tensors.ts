/** Tensors that stay in their file until their numbers are asked for, and are forgotten again when nobody holds them any more. */
import { type Parts, readPart } from '../parts.js';
import { detectFormat } from '../signature.js';
import { type Checkpoint, readInPieces, type TensorData, toFloat32 } from './checkpoint.js';
import { LENGTH_BYTES, readSafetensorsHeader, type SafetensorsEntry, safetensorsHeaderBytes } from './safetensors.js';

/** Bytes of a piece: a multiple of the sizes of all element types, small beside the weights, and large enough that the calls do not matter. */
const PIECE_BYTES = 1 << 20;

/** The most bytes that `detectFormat` looks at. */
const SIGNATURE_BYTES = 512;

/**
 * The checkpoint in a file of which parts can be read; undefined if its format has to be read as a whole, or is none of weights. The tensors stay
 * in the file: each is read when its numbers are asked for, and may then be collected again.
 * @throws InputError as `readSafetensors` does; later, when a tensor is read, if the file has changed
 */
export function openCheckpoint(file: Parts): Checkpoint | undefined {
  const format = detectFormat(readPart(file, 0, Math.min(SIGNATURE_BYTES, file.size)));
  if (format !== 'safetensors') return undefined;
  const headerBytes = safetensorsHeaderBytes(readPart(file, 0, Math.min(LENGTH_BYTES, file.size)));
  const header = readPart(file, 0, Math.min(headerBytes, file.size));
  const { entries, metadata } = readSafetensorsHeader(header, file.size);
  const tensorOf = tensorsIn(file);
  return { tensors: new Map(entries.map((entry) => [entry.name, tensorOf(entry)])), metadata };
}

/** A function from a tensor's entry to the tensor, which stays in `file`. */
function tensorsIn(file: Parts): (entry: SafetensorsEntry) => TensorData {
  // Buffers of pieces are used again, since thousands of them would fill the memory before they are collected.
  const free: Uint8Array<ArrayBuffer>[] = [];
  function* pieces({ dtype, start, end }: SafetensorsEntry): Generator<Float32Array> {
    const buffer = free.pop() ?? new Uint8Array(PIECE_BYTES);
    try {
      for (let at = start; at < end; at += PIECE_BYTES) {
        const piece = buffer.subarray(0, Math.min(PIECE_BYTES, end - at));
        file.read(at, piece);
        yield toFloat32(dtype, piece);
      }
    } finally {
      free.push(buffer);
    }
  }
  return (entry) => {
    // While somebody holds the numbers, everybody gets the same array: tensors are recognised by it after they were renamed.
    let known: WeakRef<Float32Array> | undefined;
    const tensor: TensorData = {
      shape: entry.shape,
      get data() {
        const data = known?.deref() ?? toFloat32(entry.dtype, readPart(file, entry.start, entry.end));
        known = new WeakRef(data);
        return data;
      },
    };
    readInPieces(tensor, () => pieces(entry));
    return tensor;
  };
}
