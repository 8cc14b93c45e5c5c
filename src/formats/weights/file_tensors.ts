/** Tensors that stay in their file until their numbers are asked for, and are forgotten again when nobody holds them any more. */
import { type AwaitedParts, type Parts, PIECE_BYTES, piecesIn, readPart } from '../parts.js';
import { awaitedTensor, type ElementType, readInPieces, type TensorData, toFloat32 } from './checkpoint.js';

/** Which bytes of a file are the numbers of a tensor. */
export interface TensorPlace {
  dtype: ElementType;
  shape: number[];
  start: number;
  end: number;
}

/** Makes a tensor that stays in its file. `arrange` puts its numbers into row-major order, if they have another one there. */
export type TensorIn = (place: TensorPlace, arrange?: (stored: Float32Array) => Float32Array) => TensorData;

/** A function from the place of a tensor in `file` to the tensor. Reading a tensor later fails if the file has changed since. */
export function tensorsIn(file: Parts): TensorIn {
  const pieces = piecesIn(file);
  return ({ dtype, shape, start, end }, arrange) => {
    const tensor = readWhenAsked(shape, () => {
      const stored = toFloat32(dtype, readPart(file, start, end));
      return arrange?.(stored) ?? stored;
    });
    if (!arrange)
      readInPieces(tensor, function* () {
        for (const piece of pieces(start, end)) yield toFloat32(dtype, piece);
      });
    return tensor;
  };
}

/** A tensor whose numbers have to be awaited, because its file is not on this machine or not in memory. */
export const awaitedTensorIn = (file: AwaitedParts, { dtype, shape, start, end }: TensorPlace) =>
  awaitedTensor(shape, async function* () {
    const buffer = new Uint8Array(Math.min(PIECE_BYTES, end - start));
    for (let at = start; at < end; at += PIECE_BYTES) {
      const piece = buffer.subarray(0, Math.min(PIECE_BYTES, end - at));
      await file.read(at, piece);
      yield toFloat32(dtype, piece);
    }
  });

/** A tensor whose numbers are read when they are asked for, and forgotten again when nobody holds them any more. */
export function readWhenAsked(shape: number[], read: () => Float32Array): TensorData {
  // While somebody holds the numbers, everybody gets the same array: tensors are recognised by it after they were renamed.
  let known: WeakRef<Float32Array> | undefined;
  return {
    shape,
    get data() {
      const before = known?.deref();
      if (before) return before;
      const data = read();
      known = new WeakRef(data);
      return data;
    },
  };
}
