/** The checkpoint in a safetensors file, if the tensors stay in it, or still come. */
import type { Checkpoint, TensorData } from './checkpoint.js';
import { hasInt8, type SafetensorsEntry, type SafetensorsHeader } from './safetensors.js';

/**
 * The tensors of a file by name, and its metadata.
 * @param tensorIn makes the tensor that an entry of the header describes
 * @throws InputError for 8-bit weights whose scales are missing or wrong
 */
export async function checkpointOf(
  header: SafetensorsHeader,
  tensorIn: (entry: SafetensorsEntry) => TensorData,
): Promise<Checkpoint> {
  // Loaded on demand, because most weights are stored as floating-point numbers.
  if (hasInt8(header)) return (await import('./int8_weights.js')).int8Checkpoint(header, tensorIn);
  const { entries, metadata } = header;
  return { tensors: new Map(entries.map((entry) => [entry.name, tensorIn(entry)])), metadata };
}
