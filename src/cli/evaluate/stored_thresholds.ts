/** Stores operating thresholds in the metadata of the weights file to which they belong. */
import { readFile } from 'node:fs/promises';
import { InputError } from '../../errors.js';
import { readSafetensorsHeader, safetensorsHeaderBytes } from '../../formats/weights/safetensors.js';
import { formatWeightsMetadata, parseWeightsMetadata, withoutFormerKeys } from '../../formats/weights/weights.js';
import { writeWhole } from '../../node/text_files.js';

const LENGTH_BYTES = 8;

/**
 * Writes thresholds by class into a weights file. Thresholds of other classes and the bytes of the tensors stay as they are.
 *
 * @throws InputError if the file is no weights file of raybox, or if it does not have one of the classes
 */
export async function storeOperatingThresholds(
  path: string,
  operatingThresholds: Record<string, number>,
): Promise<void> {
  const bytes = await readFile(path).catch((cause) => {
    throw new InputError(`${path} cannot be read`, { cause });
  });
  const { metadata } = readSafetensorsHeader(bytes);
  const weights = parseWeightsMetadata(metadata);
  const unknown = Object.keys(operatingThresholds).find((label) => !weights.classes.includes(label));
  if (unknown) throw new InputError(`${path} has no class ${unknown}`, { expected: weights.classes.join(', ') });
  const stored = formatWeightsMetadata({
    ...weights,
    operatingThresholds: { ...weights.operatingThresholds, ...operatingThresholds },
  });

  const tensorsAt = safetensorsHeaderBytes(bytes);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, tensorsAt)));
  const json = new TextEncoder().encode(
    JSON.stringify({ ...header, __metadata__: { ...withoutFormerKeys(metadata), ...stored } }),
  );
  const length = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(LENGTH_BYTES + length + bytes.length - tensorsAt).fill(0x20, LENGTH_BYTES);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(json, LENGTH_BYTES);
  file.set(bytes.subarray(tensorsAt), LENGTH_BYTES + length);
  await writeWhole(path, file);
}
