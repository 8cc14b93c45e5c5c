/** `raybox verify --weights W --reference FILE`: a network against activations that were recorded elsewhere. */
import { counted, firstFew } from '../../errors.js';
import { type NumberArray, readNpz } from '../../formats/npy.js';
import { decodeTensor, readSafetensorsHeader } from '../../formats/weights/safetensors.js';
import { openGpu } from '../../gpu/device.js';
import { readBytes } from '../../localizer/weights/bytes.js';
import { readModel } from '../../localizer/weights/model.js';
import { parameterValues } from '../../nets/description/parameter_values.js';
import { type Comparison, compareWithRecording } from '../../verify/against_recording.js';
import type { MapsLayout } from '../../verify/recorded.js';
import { naming, print, say, table } from '../terminal.js';
import { modelOptions, type WeightsOptions } from '../weights_options.js';

/** The options of `raybox verify --reference`. */
export interface ReferenceOptions extends WeightsOptions {
  weights: string;
  reference: string;
  layout?: MapsLayout;
  tolerance?: number;
  /** Whether recorded activations may be left out of the comparison. */
  partial?: boolean;
  json?: boolean;
  adapter?: string;
}

/**
 * The largest difference of a layer, relative to the range of its numbers, by the type of the recording with the fewest digits. A network in f32
 * differs by less than 1e-4. Halves are rounded by up to 2^-12 or 2^-9 of the largest number, in the input too, and so in every layer.
 */
const TOLERANCES = { F32: 1e-4, F16: 2e-3, BF16: 2e-2 } as const;

/** The most bytes of a recording. Its numbers take up to four times as much as float32. */
const MOST_BYTES = 2 ** 30;

/** @returns whether all recorded activations agree; false too if some belong to no layer, unless `partial` allows that */
export async function verifyReference(options: ReferenceOptions): Promise<boolean> {
  const { weights, reference, layout, adapter } = options;
  const bytes = await readBytes(reference, { what: 'the recording', maxBytes: MOST_BYTES });
  const recordings = await readRecording(bytes).catch(naming(reference));
  const tolerance = options.tolerance ?? TOLERANCES[fewestDigits(recordings)];
  const model = await readModel(weights, await modelOptions(options)).catch(naming(weights));
  const gpu = await openGpu({ ...(adapter ? { adapter } : {}) });
  try {
    const network = {
      build: (...given: Parameters<typeof model.network>) => {
        const { features, logits, probabilities, heatmaps } = model.network(...given);
        return [features, logits, probabilities, ...(heatmaps ? [heatmaps] : [])];
      },
      weights: parameterValues(model.checkpoint),
      channels: model.metadata.inputChannels,
      activations: model.checkpoint.activations,
    };
    const result = await compareWithRecording(gpu, network, recordings, { tolerance, layout });
    await print(options.json ? JSON.stringify(result) : summary(result));
    tell(result, tolerance);
    return result.first === undefined && (options.partial === true || result.unmatched.length === 0);
  } finally {
    gpu.close();
  }
}

async function readRecording(bytes: Uint8Array): Promise<ReadonlyMap<string, NumberArray>> {
  const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b;
  if (isZip) return readNpz(bytes);
  return new Map(
    readSafetensorsHeader(bytes).entries.map((entry) => {
      const half = entry.dtype === 'F16' || entry.dtype === 'BF16' ? { half: entry.dtype } : {};
      return [entry.name, { ...decodeTensor(entry, bytes), ...half }];
    }),
  );
}

function fewestDigits(recordings: ReadonlyMap<string, NumberArray>): keyof typeof TOLERANCES {
  const halves = new Set([...recordings.values()].map(({ half }) => half));
  return halves.has('BF16') ? 'BF16' : halves.has('F16') ? 'F16' : 'F32';
}

const short = (value: number | undefined) => (value === undefined ? '–' : value.toExponential(1));

function summary({ layers }: Comparison): string {
  const rows = layers.map(({ name, operation, recorded, shape, nmse, largest, relative, agrees }) => {
    const shapes = [recorded.join('×'), shape.join('×')];
    return [name, operation, ...shapes, short(nmse), short(largest), short(relative), agrees ? 'ok' : 'DIFFERS'];
  });
  return table([['layer', 'operation', 'recorded', 'raybox', 'NMSE', 'largest', 'of range', ''], ...rows]);
}

function tell(result: Comparison, tolerance: number): void {
  const { layers, unmatched, absorbed, layout } = result;
  say(`${layers.length} recorded activations were compared (${layout}), each within ${tolerance} of its range.`);
  if (absorbed.length > 0)
    say(`Not compared, because raybox computes these only as a part of other layers: ${firstFew(absorbed, 12)}`);
  if (unmatched.length > 0)
    say(`Not compared, because no layer of the network, or more than one, has such a name: ${firstFew(unmatched, 12)}`);
  say(verdict(result));
}

function verdict({ unmatched, absorbed, first }: Comparison): string {
  if (first) return `The first layer that differs is ${first.name}: ${first.cause}.`;
  if (unmatched.length + absorbed.length === 0) return 'All agree.';
  const agree = `All that were compared agree.`;
  if (unmatched.length === 0) return agree;
  return `${agree} Nothing is known about ${counted(unmatched.length, 'other')} (--partial accepts that; --layers of raybox inspect lists the names of layers).`;
}
