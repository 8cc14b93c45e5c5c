/** Small TensorFlow.js models, as their converter and `model.save` write them. */

export interface Stored {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  readonly dtype?: 'float32' | 'int32' | 'bool';
  /** How the numbers are stored; those of uint8 and uint16 are given as they are stored. */
  readonly quantization?: {
    readonly dtype: 'float16' | 'uint8' | 'uint16';
    readonly scale?: number;
    readonly min?: number;
  };
}

type Weights = Readonly<Record<string, Stored>>;

const bytesOf = ({ data, dtype = 'float32', quantization }: Stored): Uint8Array => {
  const type = quantization?.dtype ?? dtype;
  const arrays = {
    ...{ float32: Float32Array, int32: Int32Array, bool: Uint8Array, float16: Uint16Array },
    ...{ uint8: Uint8Array, uint16: Uint16Array },
  };
  return new Uint8Array(arrays[type].from(data).buffer);
};

export interface Model {
  readonly json: Record<string, unknown>;
  /** The weights' files, by name. */
  readonly files: Record<string, Uint8Array>;
}

/** A model whose weights lie in `shards` files of about the same length. */
export function modelOf(topology: unknown, weights: Weights, shards = 2, more: Record<string, unknown> = {}): Model {
  const all = Object.values(weights).map(bytesOf);
  const bytes = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const one of all) {
    bytes.set(one, at);
    at += one.length;
  }
  const length = Math.ceil(bytes.length / shards);
  const names = Array.from({ length: shards }, (_, i) => `group1-shard${i + 1}of${shards}.bin`);
  const files = Object.fromEntries(names.map((name, i) => [name, bytes.slice(i * length, (i + 1) * length)]));
  const entries = Object.entries(weights).map(([name, { shape, dtype = 'float32', quantization }]) => ({
    ...{ name, shape, dtype },
    ...(quantization ? { quantization } : {}),
  }));
  return { json: { modelTopology: topology, weightsManifest: [{ paths: names, weights: entries }], ...more }, files };
}

export const jsonBytes = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));

/** A layer of a functional model. Inputs are names of layers, or a layer's name and which of its calls. */
export const layer = (
  kind: string,
  name: string,
  config: Record<string, unknown> = {},
  ...calls: readonly (readonly (string | readonly [string, number])[])[]
) => ({
  ...{ class_name: kind, name, config: { name, ...config } },
  inbound_nodes: calls.map((inputs) =>
    inputs.map((one) => (typeof one === 'string' ? [one, 0, 0, {}] : [one[0], one[1], 0, {}])),
  ),
});

export const functional = (layers: readonly unknown[], input: string, output: string) => ({
  class_name: 'Functional',
  config: { name: 'model', layers, input_layers: [[input, 0, 0]], output_layers: [[output, 0, 0]] },
});

/** A node of a graph; numbers, texts, truth values and lists become attributes. */
export const node = (op: string, name: string, input: readonly string[], given: Record<string, unknown> = {}) => ({
  ...{ op, name, input },
  attr: Object.fromEntries(Object.entries(given).map(([key, value]) => [key, attribute(value)])),
});

const attribute = (value: unknown): unknown => {
  if (typeof value === 'string') return { s: btoa(value) };
  if (typeof value === 'boolean') return { b: value };
  if (typeof value === 'number') return Number.isInteger(value) ? { i: String(value) } : { f: value };
  if (!Array.isArray(value)) return value;
  return { list: typeof value[0] === 'string' ? { s: value.map((one) => btoa(one)) } : { i: value.map(String) } };
};
