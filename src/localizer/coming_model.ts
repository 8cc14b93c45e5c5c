/**
 * Finds out which network weights belong to before all of them are there. This module is only loaded for weights that are neither in memory nor in
 * a file of this machine.
 */
import { awaitCheckpoint } from '../formats/weights/awaited_checkpoint.js';
import { NotInMemoryError } from '../formats/weights/checkpoint.js';
import type { Model } from '../nets/model.js';
import type { ByteSource } from './bytes.js';
import { beginReading, type Coming } from './coming_weights.js';
import { checkIntegrity, parseIntegrity } from './integrity.js';
import { type ComingModel, decode, modelOf, nameOf, readingOf } from './model.js';
import type { ReadOptions, WeightsInput } from './weights_input.js';

/** As `beginModel` does it, for weights that are not kept. @param source what `weights` gave */
export async function comingModel(
  source: Exclude<ByteSource, Uint8Array | ArrayBuffer>,
  weights: WeightsInput,
  options: ReadOptions,
): Promise<ComingModel> {
  const { integrity, onFile, onProgress } = options;
  if (integrity !== undefined) parseIntegrity(integrity);
  const coming = await beginReading(source, readingOf(options));
  const end = async () => {
    await coming.end();
    if (integrity !== undefined) await checkIntegrity(await coming.whole(), integrity, 'weights');
    onFile?.('', await coming.whole());
    onProgress?.(1);
  };
  try {
    return { model: await describeComing(coming, weights, options), end, stop: coming.stop };
  } catch (error) {
    // Bytes with another hash than `integrity` are refused for that, whatever else is wrong with them.
    if (integrity !== undefined) await end();
    coming.stop();
    throw error;
  }
}

async function describeComing(coming: Coming, weights: WeightsInput, options: ReadOptions): Promise<Model> {
  const checkpoint = coming.parts && (await awaitCheckpoint(coming.parts));
  if (checkpoint) {
    try {
      return await modelOf({ checkpoint: { ...checkpoint, name: nameOf(weights) }, warnings: [] }, options);
    } catch (error) {
      // Of some networks the numbers of a tensor have to be looked at, or are rearranged.
      if (!(error instanceof NotInMemoryError)) throw error;
    }
  }
  const whole = await decode(await coming.whole(), weights, options);
  return modelOf({ checkpoint: whole, warnings: [] }, options);
}
