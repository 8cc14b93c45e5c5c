/** The files that the demo page offers for download. */
import type { WeightsMetadata } from '../formats/weights/weights.js';
import { type Localization, toCOCO, toCSV } from '../localizer/results.js';

export interface Saved {
  name: string;
  result: Localization;
  metadata: WeightsMetadata;
  /** Name of the weights. */
  weights: string;
  overlay: { toBlob(type?: string): Promise<Blob> };
}

/** The name and the content of a file to download. */
export async function exportAs(kind: string, saved: Saved): Promise<{ file: string; blob: Blob }> {
  const { name, result, metadata, weights, overlay } = saved;
  const stem = name.replace(/\.(png|jpe?g)$/i, '').replaceAll(' ', '-');
  const json = (value: unknown) => new Blob([`${JSON.stringify(value, null, 2)}\n`], { type: 'application/json' });
  if (kind === 'png') return { file: `${stem}.overlay.png`, blob: await overlay.toBlob() };
  if (kind === 'coco') return { file: `${stem}.coco.json`, blob: json(toCOCO([result], [name], metadata.classes)) };
  if (kind === 'csv') return { file: `${stem}.csv`, blob: new Blob([toCSV([result], [name])], { type: 'text/csv' }) };
  const { heatmaps: _, index: __, ...rest } = result;
  const { trainingData, license, operatingThresholds } = metadata;
  return {
    file: `${stem}.json`,
    blob: json({ image: name, ...rest, weights: { name: weights, trainingData, license, operatingThresholds } }),
  };
}

/** Starts the download of a file. */
export function download({ file, blob }: { file: string; blob: Blob }): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = file;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
