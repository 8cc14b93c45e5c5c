/** Writes weights files of raybox: what `raybox convert` and `raybox ensemble` have in common. */
import { existsSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import type { TensorData } from '../formats/weights/checkpoint.js';
import { writeSafetensors } from '../formats/weights/safetensors.js';
import { formatWeightsMetadata, type WeightsMetadata } from '../formats/weights/weights.js';
import { createGraph } from '../graph/ir/graph.js';
import { parameterSource } from '../nets/index.js';
import type { Model } from '../nets/model.js';
import { writeWhole } from '../node/text_files.js';
import { Option } from '../node/vendor/commander.js';
import { UsageError } from './terminal.js';

/** The element type of the tensors in a file. */
export type ElementName = 'f32' | 'f16' | 'bf16';

/** The option `--dtype`. */
export const dtypeOption = (): Option =>
  new Option('--dtype <type>', 'element type of the tensors').choices(['f32', 'f16', 'bf16']).default('f16');

/**
 * @throws UsageError for a name with another ending than `.safetensors`, which would say something wrong about the file. Also if the file is there,
 *   unless it is one that is read anyway
 */
export function refuseOut(out: string, read: readonly string[]): void {
  if (!['', '.safetensors'].includes(extname(out).toLowerCase()))
    throw new UsageError(
      `--out ${out}: a safetensors file is written; give a name that ends in .safetensors (raybox export writes ONNX)`,
    );
  if (!existsSync(out) || read.some((path) => resolve(path) === resolve(out))) return;
  throw new UsageError(`--out ${out} is there already: name another file, or move it away`);
}

/** The values of all parameters of a network, by name. */
export async function parametersOf({
  network,
  metadata,
  checkpoint,
}: Pick<Model, 'network' | 'metadata' | 'checkpoint'>): Promise<Map<string, TensorData>> {
  const { inputWidth, inputHeight, inputChannels } = metadata;
  const g = createGraph();
  network(g, g.input('image', [1, inputHeight, inputWidth, inputChannels]));
  const parameters = new Map(g.parameters);
  const source = parameterSource(checkpoint, parameters);
  const tensors = new Map<string, TensorData>();
  for (const [name, { shape }] of parameters) {
    tensors.set(name, { shape: [...shape], data: Float32Array.from(await source(name, shape)) });
  }
  return tensors;
}

/** Writes the file. Returns a line that says what it holds. */
export async function writeWeightsFile(
  out: string,
  tensors: Map<string, TensorData>,
  metadata: WeightsMetadata,
  dtype: ElementName,
): Promise<string> {
  const element = dtype.toUpperCase() as Uppercase<ElementName>;
  const bytes = writeSafetensors(tensors, formatWeightsMetadata(metadata), { dtype: element });
  await writeWhole(out, bytes);
  const lost = dtype === 'bf16' ? '; BF16 keeps 8 bits of each number, so that it changes by up to 0.4 %' : '';
  return `${out}: ${tensors.size} tensors as ${element}, ${bytes.length.toLocaleString('en')} bytes${lost}\n`;
}
