/** `raybox verify --weights W --reference FILE`: a network against activations that were recorded elsewhere. */
import { readFile } from 'node:fs/promises';
import { type NumberArray, readNpz } from '../../formats/npy.js';
import { readSafetensors } from '../../formats/weights/safetensors.js';
import { openGpu } from '../../gpu/device.js';
import { readModel } from '../../localizer/model.js';
import { parameterValues } from '../../nets/parameter_values.js';
import { type Comparison, compareWithRecording } from '../../verify/against_recording.js';
import type { MapsLayout } from '../../verify/recorded.js';
import { print, say, table } from '../terminal.js';
import { modelOptions, type WeightsOptions } from '../weights_options.js';

export interface ReferenceOptions extends WeightsOptions {
  weights: string;
  reference: string;
  layout?: MapsLayout;
  tolerance?: number;
  json?: boolean;
  adapter?: string;
}

/** The largest difference of a network in f32, relative to the range of a layer's numbers. */
const TOLERANCE = 1e-4;

/** @returns whether all recorded layers agree */
export async function verifyReference(options: ReferenceOptions): Promise<boolean> {
  const { weights, reference, layout, tolerance = TOLERANCE, adapter } = options;
  const recordings = readRecording(await readFile(reference));
  const model = await readModel(weights, await modelOptions(options));
  const gpu = await openGpu({ ...(adapter ? { adapter } : {}) });
  try {
    const network = {
      build: (...given: Parameters<typeof model.network>) => {
        const { features, logits, probabilities, heatmaps } = model.network(...given);
        return [features, logits, probabilities, ...(heatmaps ? [heatmaps] : [])];
      },
      weights: parameterValues(model.checkpoint),
      channels: model.metadata.inputChannels,
    };
    const result = await compareWithRecording(gpu, network, recordings, { tolerance, layout });
    await print(options.json ? JSON.stringify(result) : summary(result));
    tell(result, tolerance);
    return result.first === undefined;
  } finally {
    gpu.close();
  }
}

function readRecording(bytes: Uint8Array): ReadonlyMap<string, NumberArray> {
  const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b;
  return isZip ? readNpz(bytes) : readSafetensors(bytes).tensors;
}

const short = (value: number | undefined) => (value === undefined ? '–' : value.toExponential(1));

function summary({ layers }: Comparison): string {
  const rows = layers.map(({ name, operation, recorded, shape, nmse, largest, relative, agrees }) => {
    const shapes = [recorded.join('×'), shape.join('×')];
    return [name, operation, ...shapes, short(nmse), short(largest), short(relative), agrees ? 'ok' : 'DIFFERS'];
  });
  return table([['layer', 'operation', 'recorded', 'raybox', 'NMSE', 'largest', 'of range', ''], ...rows]);
}

function tell({ layers, unmatched, layout, first }: Comparison, tolerance: number): void {
  say(`${layers.length} recorded activations were compared (${layout}), each within ${tolerance} of its range.`);
  if (unmatched.length > 0) say(`Not found in the network: ${unmatched.join(', ')}`);
  say(first ? `The first layer that differs is ${first.name}: ${first.cause}.` : 'All agree.');
}
