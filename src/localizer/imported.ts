/** Reads weights in a format that holds a whole network. Loaded on demand, because most weights are tensors alone. */
import { InputError } from '../errors.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import { importOnnx, onnxTensors } from '../import/onnx/import.js';
import { readBytes } from './bytes.js';
import type { ReadOptions, WeightsInput } from './model.js';

const MAX_BYTES = 2 ** 31;

/**
 * Reads an ONNX model.
 * @param weights where the bytes come from: files that the model refers to lie beside it
 */
export async function readImported(
  bytes: Uint8Array,
  weights: WeightsInput,
  options: ReadOptions,
): Promise<Checkpoint> {
  const { externalData = {}, maxBytes = MAX_BYTES, signal, metadata, network } = options;
  const external = async (location: string) => {
    const source = Object.hasOwn(externalData, location) ? externalData[location] : neighbour(weights, location);
    if (source === undefined)
      throw new InputError(`onnx: the model has tensors in another file, ${location}`, {
        hint: `give it: load(model, { externalData: { '${location}': bytes } })`,
      });
    return readBytes(source, { what: 'the tensors of the model,', maxBytes, signal });
  };
  if (network) return onnxTensors(bytes, { external });
  const { output, probabilities } = options;
  return importOnnx(bytes, {
    ...{ output, probabilities, external },
    size: options.inputWidth ?? metadata?.inputWidth,
    channels: options.inputChannels ?? metadata?.inputChannels,
  });
}

/** A file in the folder of the model. The importer has made sure that `location` does not leave it. */
function neighbour(weights: WeightsInput, location: string): string | URL | undefined {
  if (weights instanceof URL) return new URL(location.replaceAll('\\', '/'), weights);
  if (typeof weights !== 'string') return undefined;
  // An address may end with a query, which is of the model alone.
  const [path] = /^[a-z][a-z\d+.-]+:/i.test(weights) ? weights.split(/[?#]/) : [weights];
  return path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1) + location;
}
