/** Writes small ONNX models, for tests. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** What an attribute may be. A graph is a branch: its tensors, nodes and names of outputs are written. */
type Value = number | string | readonly number[] | OnnxTensor | OnnxGraph;

/** A tensor: float32 unless `type` says otherwise, and its numbers as raw bytes unless `field` names another place. */
export interface OnnxTensor {
  dims: readonly number[];
  data: readonly number[] | Float32Array;
  /** In place of `data`, where whole numbers lie beyond 2^53. */
  big?: readonly bigint[];
  type?: keyof typeof TYPES;
  /** In which field the numbers are: 9 is raw bytes. */
  field?: 4 | 5 | 7 | 9 | 10 | 11;
  external?: Record<string, string>;
}

export interface OnnxNode {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  name?: string;
  domain?: string;
  attributes?: Record<string, Value>;
}

export interface OnnxGraph {
  nodes: readonly OnnxNode[];
  tensors?: Record<string, OnnxTensor>;
  /** Sizes; null for one that is left open. */
  inputs?: Record<string, readonly (number | null)[]>;
  outputs?: Record<string, readonly (number | null)[]>;
  inputType?: keyof typeof TYPES;
  /** Of inputs and outputs by name, where it is not float32. */
  types?: Record<string, keyof typeof TYPES>;
  opset?: number;
  metadata?: Record<string, string>;
}

export const TYPES = {
  ...{ f32: 1, u8: 2, i8: 3, u16: 4, i16: 5, i32: 6, i64: 7, bool: 9 },
  ...{ f16: 10, f64: 11, u32: 12, u64: 13, bf16: 16, f8: 17 },
} as const;

type Write = (writer: BinaryWriter) => void;

const message = (write: Write) => {
  const writer = new BinaryWriter();
  write(writer);
  return writer.finish();
};
const bytes = (writer: BinaryWriter, field: number, content: Uint8Array) =>
  writer.tag(field, WireType.LengthDelimited).bytes(content);
const text = (writer: BinaryWriter, field: number, content: string) =>
  writer.tag(field, WireType.LengthDelimited).string(content);
const integer = (writer: BinaryWriter, field: number, value: number | bigint) =>
  writer.tag(field, WireType.Varint).int64(value);

function rawBytes(type: keyof typeof TYPES, given: OnnxTensor['data'] | readonly bigint[]): Uint8Array {
  const data = type === 'i64' || type === 'u64' ? [] : Array.from(given, Number);
  const arrays = {
    ...{ f32: Float32Array, u8: Uint8Array, i8: Int8Array, i32: Int32Array, f64: Float64Array },
    ...{ f16: Uint16Array, bf16: Uint16Array, f8: Uint8Array, bool: Uint8Array },
    ...{ i16: Int16Array, u16: Uint16Array, u32: Uint32Array },
  };
  const array =
    type === 'i64' || type === 'u64'
      ? (type === 'i64' ? BigInt64Array : BigUint64Array).from(Array.from(given, BigInt))
      : arrays[type].from(data);
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** A `TensorProto`. Halves are given as the whole numbers that their bits are. */
export function tensorBytes({ dims, data, big, type = 'f32', field = 9, external }: OnnxTensor, name = ''): Uint8Array {
  return message((writer) => {
    for (const size of dims) integer(writer, 1, size);
    integer(writer, 2, TYPES[type]);
    text(writer, 8, name);
    if (external) {
      for (const [key, value] of Object.entries(external))
        bytes(
          writer,
          13,
          message((entry) => {
            text(entry, 1, key);
            text(entry, 2, value);
          }),
        );
      integer(writer, 14, 1);
    } else if (field === 9 || field === 4 || field === 10) bytes(writer, field, rawBytes(type, big ?? data));
    else
      bytes(
        writer,
        field,
        message((list) => {
          for (const value of big ?? data) list.int64(value);
        }),
      );
  });
}

function attributeBytes(name: string, value: Value): Uint8Array {
  return message((writer) => {
    text(writer, 1, name);
    if (typeof value === 'string') {
      text(writer, 4, value);
      integer(writer, 20, 3);
    } else if (typeof value === 'number') {
      const isWhole = Number.isInteger(value) && !FLOATS.has(name);
      if (isWhole) integer(writer, 3, value);
      else writer.tag(2, WireType.Bit32).float(value);
      integer(writer, 20, isWhole ? 2 : 1);
    } else if ('dims' in value) {
      bytes(writer, 5, tensorBytes(value));
      integer(writer, 20, 4);
    } else if ('nodes' in value) {
      bytes(writer, 6, graphBytes({ inputs: {}, ...value }));
      integer(writer, 20, 5);
    } else {
      for (const one of value) integer(writer, 8, one);
      integer(writer, 20, 7);
    }
  });
}

/** Attributes that are real numbers, whatever their value. */
const FLOATS = new Set(['alpha', 'beta', 'epsilon', 'bias', 'min', 'max', 'ratio', 'value_float']);

function nodeBytes({ op, inputs, outputs, name, domain, attributes = {} }: OnnxNode): Uint8Array {
  return message((writer) => {
    for (const input of inputs) text(writer, 1, input);
    for (const output of outputs) text(writer, 2, output);
    if (name) text(writer, 3, name);
    text(writer, 4, op);
    if (domain) text(writer, 7, domain);
    for (const [key, value] of Object.entries(attributes)) bytes(writer, 5, attributeBytes(key, value));
  });
}

function valueBytes(name: string, shape: readonly (number | null)[], type: keyof typeof TYPES): Uint8Array {
  const shapeBytes = message((writer) => {
    for (const size of shape)
      bytes(
        writer,
        1,
        message((dim) => (size === null ? text(dim, 2, 'open') : integer(dim, 1, size))),
      );
  });
  const tensor = message((writer) => {
    integer(writer, 1, TYPES[type]);
    bytes(writer, 2, shapeBytes);
  });
  return message((writer) => {
    text(writer, 1, name);
    bytes(
      writer,
      2,
      message((kind) => bytes(kind, 1, tensor)),
    );
  });
}

function graphBytes({
  nodes,
  tensors = {},
  inputs = { input: [1, 1, 8, 8] },
  outputs = { output: [1, 2] },
  ...rest
}: OnnxGraph): Uint8Array {
  const { inputType = 'f32', types = {} } = rest;
  return message((writer) => {
    for (const node of nodes) bytes(writer, 1, nodeBytes(node));
    text(writer, 2, 'graph');
    for (const [name, tensor] of Object.entries(tensors)) bytes(writer, 5, tensorBytes(tensor, name));
    for (const [name, shape] of Object.entries(inputs))
      bytes(writer, 11, valueBytes(name, shape, types[name] ?? inputType));
    for (const [name, shape] of Object.entries(outputs))
      bytes(writer, 12, valueBytes(name, shape, types[name] ?? 'f32'));
  });
}

/** The bytes of a model. */
export function onnxModel(graph: OnnxGraph): Uint8Array {
  const { opset = 17, metadata = {} } = graph;
  return message((writer) => {
    integer(writer, 1, 8);
    text(writer, 2, 'test');
    bytes(writer, 7, graphBytes(graph));
    bytes(
      writer,
      8,
      message((version) => integer(version, 2, opset)),
    );
    for (const [key, value] of Object.entries(metadata))
      bytes(
        writer,
        14,
        message((entry) => {
          text(entry, 1, key);
          text(entry, 2, value);
        }),
      );
  });
}
