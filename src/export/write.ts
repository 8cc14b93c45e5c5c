/** Writes ONNX graphs as bytes: messages of onnx.proto, joined from pieces at the end, so that weights are copied only once. */
import { InputError } from '../errors.js';
import { BinaryWriter, WireType } from '../vendor/protobuf.js';
import type { OnnxAttribute, OnnxNode } from './builder.js';

/** The bytes of a message, in pieces. */
type Pieces = readonly Uint8Array[];

/** A tensor of the file. */
export interface WrittenTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint16Array | BigInt64Array;
  /** The name of another file that holds the data. The data are then not written. */
  readonly file?: string;
}

export interface WrittenModel {
  readonly nodes: readonly OnnxNode[];
  readonly tensors: readonly WrittenTensor[];
  readonly inputs: Readonly<Record<string, readonly (number | string)[]>>;
  readonly outputs: Readonly<Record<string, readonly (number | string)[]>>;
  readonly metadata: Readonly<Record<string, string>>;
  /** A text for people who open the file. */
  readonly description: string;
}

export const OPSET = 17;
/** The version of the format that this opset came with. */
const IR_VERSION = 8;

/** The longest protobuf message: its length is a signed number of 32 bits. */
const MOST_BYTES = 2 ** 31 - 1;

/** @throws InputError for more than the 2 GiB that such a file can have */
export function writeModel({ nodes, tensors, inputs, outputs, metadata, description }: WrittenModel): Uint8Array {
  const graph = [
    ...nodes.flatMap((node) => part(1, nodeBytes(node))),
    ...part(2, 'raybox'),
    ...tensors.flatMap((tensor) => part(5, tensorPieces(tensor))),
    ...Object.entries(inputs).flatMap(([name, shape]) => part(11, valuePieces(name, shape))),
    ...Object.entries(outputs).flatMap(([name, shape]) => part(12, valuePieces(name, shape))),
  ];
  const model = [
    ...whole(1, IR_VERSION),
    ...part(2, 'raybox'),
    ...part(6, description),
    ...part(7, graph),
    ...part(8, whole(2, OPSET)),
    ...Object.entries(metadata).flatMap(([key, value]) => part(14, [...part(1, key), ...part(2, value)])),
  ];
  const bytes = new Uint8Array(lengthOf(model));
  let at = 0;
  for (const piece of model) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function lengthOf(pieces: Pieces): number {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (length <= MOST_BYTES) return length;
  throw new InputError('onnx: the model is too large for one file', {
    expected: 'at most 2 GiB',
    given: `${(length / 2 ** 30).toFixed(2)} GiB`,
    hint: "write half as many bytes: { dtype: 'f16' } (--dtype f16)",
  });
}

/** A field that holds a text or a message. */
function part(field: number, content: Pieces | string): Pieces {
  const pieces = typeof content === 'string' ? [new TextEncoder().encode(content)] : content;
  const head = new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(lengthOf(pieces)).finish();
  return [head, ...pieces];
}

const whole = (field: number, value: number): Pieces => [
  new BinaryWriter().tag(field, WireType.Varint).int64(value).finish(),
];
const real = (field: number, value: number): Pieces => [
  new BinaryWriter().tag(field, WireType.Bit32).float(value).finish(),
];

const nodeBytes = ({ operator, inputs, outputs, attributes, name }: OnnxNode): Pieces => [
  ...inputs.flatMap((input) => part(1, input)),
  ...outputs.flatMap((output) => part(2, output)),
  ...part(3, name),
  ...part(4, operator),
  ...Object.entries(attributes).flatMap(([key, value]) => part(5, [...part(1, key), ...attributePieces(value)])),
];

/** The value of an attribute; field 20 says which kind of value it is. */
function attributePieces(value: OnnxAttribute): Pieces {
  if (typeof value === 'string') return [...part(4, value), ...whole(20, 3)];
  if (typeof value === 'number') return [...whole(3, value), ...whole(20, 2)];
  if ('real' in value) return [...real(2, value.real), ...whole(20, 1)];
  return [...value.flatMap((one) => whole(8, one)), ...whole(20, 7)];
}

/** Element types by their numbers in ONNX's TensorProto.DataType. */
const FLOAT = 1;
const INT64 = 7;
const FLOAT16 = 10;

/** TensorProto.DataLocation: the data are in a file beside the model. */
const EXTERNAL = 1;

function tensorPieces({ name, shape, data, file }: WrittenTensor): Pieces {
  const type = data instanceof Float32Array ? FLOAT : data instanceof Uint16Array ? FLOAT16 : INT64;
  const head = [...shape.flatMap((size) => whole(1, size)), ...whole(2, type), ...part(8, name)];
  if (file === undefined) return [...head, ...part(9, [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)])];
  const entries = Object.entries({ location: file, length: String(data.byteLength) });
  return [
    ...head,
    ...entries.flatMap(([key, value]) => part(13, [...part(1, key), ...part(2, value)])),
    ...whole(14, EXTERNAL),
  ];
}

/** The name of an input or output, with the sizes of its float32 tensor. A size that is left open has a name. */
function valuePieces(name: string, shape: readonly (number | string)[]): Pieces {
  const sizes = shape.flatMap((size) => part(1, typeof size === 'string' ? part(2, size) : whole(1, size)));
  const tensor = [...whole(1, FLOAT), ...part(2, sizes)];
  return [...part(1, name), ...part(2, part(1, tensor))];
}
