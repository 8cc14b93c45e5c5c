/** What is known of a network beside its tensors, field by field, each from the first source that says it. */
import { InputError } from '../errors.js';
import type { Architecture } from '../formats/architecture.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import { architectureMetadata, type WeightsMetadata } from '../formats/weights.js';
import { descriptionOf } from './infer_head.js';
import { fileInput, fileNames, IMAGENET, publicLayout, unnamed } from './input_layouts.js';

/** Where a field comes from: the caller, the file's own words, a public layout, names and shapes of tensors, nowhere. */
export type Source = 'given' | 'file' | 'layout' | 'shapes' | 'assumed';
export type Sources = Partial<Record<keyof WeightsMetadata, Source>>;
/** Everything that metadata holds, with where each field comes from. */
export function describeNetwork(
  checkpoint: Checkpoint,
  tensors: Checkpoint['tensors'],
  architecture: Architecture,
  outputs: number,
  inputChannels: 1 | 3,
  given: Partial<WeightsMetadata>,
): { metadata: WeightsMetadata; sources: Sources } {
  const shapes = { ...architectureMetadata(architecture), inputChannels };
  const { pooling, lseR, transitionActivation, ...shown } = shapes;
  const { names } = fileNames(checkpoint.metadata, outputs);
  const { backbone } = architecture;
  const layout = publicLayout(tensors, inputChannels, outputs);
  const layers: [Source, Partial<WeightsMetadata>][] = [
    ['given', given],
    [
      'file',
      {
        ...(names ? { classes: names } : {}),
        ...fileInput(checkpoint.metadata, descriptionOf(backbone), inputChannels),
      },
    ],
    ['layout', layout],
    ['shapes', shown],
    [
      'assumed',
      {
        pooling: pooling!,
        ...(lseR === undefined ? {} : { lseR }),
        ...(transitionActivation === undefined ? {} : { transitionActivation }),
        ...{ classes: unnamed(outputs), inputWidth: 224, inputHeight: 224, channelOrder: 'rgb', fit: 'stretch' },
        ...(inputChannels === 3 ? IMAGENET : { mean: [0.5], std: [0.25] }),
        ...{ heatmapScaling: 'minmax', trainingData: 'unknown', license: 'unknown' },
      },
    ],
  ];
  const metadata: Record<string, unknown> = {};
  const sources: Sources = {};
  for (const [source, fields] of layers) {
    for (const [field, value] of Object.entries(fields) as [keyof WeightsMetadata, unknown][]) {
      if (value === undefined || sources[field] !== undefined) continue;
      metadata[field] = value;
      sources[field] = source;
    }
  }
  if (given.classes && given.classes.length !== outputs)
    throw new InputError('the names of the classes do not fit the network', {
      expected: `${outputs}, one for each output`,
      given: `${given.classes.length}: ${given.classes.slice(0, 20).join(', ')}`,
    });
  // Whatever the caller called them, these are the names of the tensors.
  metadata.architecture = backbone;
  if (architecture.head?.prediction) metadata.prediction = architecture.head.prediction;
  const isAssumption = (field: string) => SAID.includes(field as keyof WeightsMetadata);
  const assumed = Object.keys(sources).filter(
    (field) => isAssumption(field) && ['assumed', 'layout'].includes(sources[field as keyof WeightsMetadata]!),
  );
  if (inputChannels === 1) assumed.splice(0, assumed.length, ...assumed.filter((field) => field !== 'channelOrder'));
  const { thresholds } = metadata as unknown as WeightsMetadata;
  if (thresholds && sources.thresholds === 'layout')
    metadata.thresholds = byClass(thresholds, metadata.classes as string[]);
  return {
    metadata: { ...(metadata as unknown as WeightsMetadata), ...(assumed.length > 0 ? { assumed } : {}) },
    sources,
  };
}

/** What a result depends on, so that an assumption about it is said. */
const SAID: readonly (keyof WeightsMetadata)[] = [
  ...(['classes', 'inputWidth', 'inputHeight', 'channelOrder', 'mean', 'std', 'fit'] as const),
  ...(['pooling', 'lseR', 'transitionActivation'] as const),
];

/** A layout gives thresholds by number of the output. */
const byClass = (thresholds: Record<string, number>, classes: readonly string[]) =>
  Object.fromEntries(Object.entries(thresholds).map(([index, value]) => [classes[Number(index)], value]));

/**
 * The normalisation of a GoogLeNet with torchvision's `transform_input`, which takes an image that is normalised as ImageNet's to
 * (x − 0.5) / 0.5 of its pixels: what metadata says, and then this.
 */
export function transformed(metadata: WeightsMetadata, sources: Sources): WeightsMetadata {
  const { architecture, mean, std } = metadata;
  if (descriptionOf(architecture).family !== 'googlenet' || mean.length !== 3)
    throw new InputError('transformInput is an option of GoogLeNets with 3 channels', {
      given: `${typeof architecture === 'string' ? architecture : architecture.family} with ${mean.length}`,
    });
  if (sources.mean === 'file') return metadata; // the file says it too
  const { mean: m, std: s } = IMAGENET;
  const scales = std.map((value, i) => (value * 0.5) / s[i]);
  sources.mean = sources.std = 'given';
  const assumed = metadata.assumed?.filter((field) => field !== 'mean' && field !== 'std');
  const offsets = mean.map((value, i) => value - (scales[i] * (m[i] - 0.5)) / 0.5);
  return { ...metadata, mean: offsets.map(rounded), std: scales.map(rounded), ...(assumed ? { assumed } : {}) };
}

// Sums of decimal fractions end in dust.
const rounded = (value: number) => Number(value.toPrecision(12));
