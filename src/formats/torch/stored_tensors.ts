/** The tensors that a pickle describes, which stay in the storages of their file until their numbers are asked for. */
import { InputError } from '../../errors.js';
import { type ByteRange, type Parts, readPart } from '../parts.js';
import { ELEMENT_BYTES, elementCount, type TensorData, toFloat32 } from '../weights/checkpoint.js';
import { type TensorIn, tensorsIn } from '../weights/file_tensors.js';
import type { Storage, StoredTensor } from './globals.js';

/** Makes the tensors of a file, in row-major order. @param what the name of the tensor in messages */
export type TensorOf = (what: string, tensor: StoredTensor) => TensorData;

/**
 * @param find the place of a storage, after its bytes were checked; undefined if the file lacks it
 * @param tensorIn makes a tensor of the file
 * @returns a function that throws an InputError for a tensor that reaches beyond its storage
 */
export function storedTensors(
  file: Parts,
  find: (key: string) => ByteRange | undefined,
  tensorIn: TensorIn = tensorsIn(file),
): TensorOf {
  const places = new Map<string, ByteRange>();
  const decoded = new Map<string, Float32Array>();
  const placeOf = ({ key, type }: Storage) => {
    const place = places.get(key) ?? checkPlace(key, type, find(key));
    places.set(key, place);
    return place;
  };
  const numbersOf = (storage: Storage) => {
    const { start, end } = placeOf(storage);
    const numbers = decoded.get(storage.key) ?? toFloat32(storage.type, readPart(file, start, end));
    decoded.set(storage.key, numbers);
    return numbers;
  };
  return (what, { storage, offset, shape, strides }) => {
    const count = elementCount(shape, what);
    if (count === 0) return { shape, data: new Float32Array(0) };
    const bytes = ELEMENT_BYTES[storage.type];
    const { start, end } = placeOf(storage);
    const first = storage.offset + offset;
    const span = shape.reduce((sum, length, axis) => sum + (length - 1) * strides[axis], 1);
    const stored = (end - start) / bytes;
    if (!(offset + span <= storage.count && storage.offset + storage.count <= stored))
      throw new InputError(`${what} reaches beyond its storage`, {
        expected: `elements ${offset} to ${offset + span - 1} of ${storage.count}`,
        given: `${stored} elements in the file`,
      });
    const place = { dtype: storage.type, shape, start: start + first * bytes, end: start + (first + span) * bytes };
    if (isRowMajor(shape, strides)) return tensorIn(place);
    if (span <= count) return tensorIn(place, (numbers) => toRowMajor(numbers, shape, strides));
    // The storage of tensors that are spread over it is read only once for all of them: a small file may have many.
    return { shape, data: toRowMajor(numbersOf(storage).subarray(first), shape, strides) };
  };
}

function checkPlace(key: string, type: Storage['type'], place: ByteRange | undefined): ByteRange {
  if (place === undefined) throw new InputError(`torch: the file lacks storage '${key}'`);
  const bytes = place.end - place.start;
  if (bytes % ELEMENT_BYTES[type] !== 0)
    throw new InputError(`torch: storage '${key}' ends within an element`, { given: `${bytes} bytes of ${type}` });
  return place;
}

/** A copy in row-major order of the numbers from a tensor's first one on. */
function toRowMajor(stored: Float32Array, shape: number[], strides: number[]): Float32Array {
  const data = new Float32Array(shape.reduce((count, length) => count * length, 1));
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0, at = 0; i < data.length; i++) {
    data[i] = stored[at];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= index[axis] * strides[axis];
      index[axis] = 0;
    }
  }
  return data;
}

function isRowMajor(shape: number[], strides: number[]): boolean {
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== stride) return false;
    stride *= shape[axis];
  }
  return true;
}
