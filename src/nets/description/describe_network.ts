/** Puts a network's metadata together: each field is taken from the first source that says something about it. */

import { InputError } from '../../errors.js';
import type { Checkpoint } from '../../formats/weights/checkpoint.js';
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import { type Architecture, architectureMetadata, backboneOf, type Head } from '../architecture.js';
import { descriptionOf } from '../backbone.js';
import { type PublicLayout, publicLayout } from '../presets/index.js';
import { structureOf } from '../presets/structure.js';
import { recognitionOf, titlesOf } from '../recognise/recognition.js';
import { savedPooling } from '../saved/head.js';
import type { FileInput } from '../settings/input.js';
import { fileNames } from '../settings/names.js';
import { fileInput, transformedInput } from '../settings/settings.js';
import { assumedNormalisation, unnamed } from './input_layouts.js';

/**
 * Where a field comes from: the caller, a preset that the caller names, the file's metadata or settings, a public layout, the names and
 * shapes of tensors, or an assumption.
 */
export type Source = 'given' | 'preset' | 'file' | 'layout' | 'shapes' | 'assumed';
export type Sources = Partial<Record<keyof WeightsMetadata, Source>>;

/** What was found in a file outside its tensors, in words, by the metadata field that it sets or might have set. */
export interface Found {
  /** For each field that was read from the file: the place in the file. */
  readonly taken: Partial<Record<keyof WeightsMetadata, string>>;
  /** What was found but not used, and why. */
  readonly unused: FileInput['unused'];
  /** A list in the file that looks like names of outputs but cannot be that. */
  readonly unfit?: string;
  /** The public layout that was recognised, and by which marks. */
  readonly layout?: PublicLayout;
}

/** The complete metadata, and where each field comes from. */
export function describeNetwork(
  checkpoint: Checkpoint,
  tensors: Checkpoint['tensors'],
  architecture: Architecture & { head: Head },
  inputChannels: 1 | 3,
  asked: Partial<WeightsMetadata>,
  preset?: string,
): { metadata: WeightsMetadata; sources: Sources; found: Found } {
  const { classes: outputs } = architecture.head;
  const shapes = { ...architectureMetadata(architecture), inputChannels };
  const { pooling, lseR, transitionActivation, ...shown } = shapes;
  const { names, from, unfit } = fileNames(checkpoint.metadata, outputs);
  const { backbone } = architecture;
  const input = fileInput(checkpoint.metadata, descriptionOf(backbone), inputChannels);
  const layout = publicLayout(structureOf(checkpoint, tensors, architecture, inputChannels), preset);
  const given = withUntrained(asked, outputs, layout.untrained);
  const layers: [Source, Partial<WeightsMetadata>][] = [
    ['given', given],
    ['preset', layout.isForced ? layout.fields : {}],
    ['file', { ...(names ? { classes: names } : {}), ...input.fields, ...savedHead(checkpoint, architecture.head) }],
    ['layout', layout.isForced ? {} : layout.fields],
    ['shapes', shown],
    [
      'assumed',
      {
        pooling: pooling!,
        ...(lseR === undefined ? {} : { lseR }),
        ...(transitionActivation === undefined ? {} : { transitionActivation }),
        ...assumedInput(inputChannels, recognitionOf(descriptionOf(backbone).family)?.inputSize),
        classes: unnamed(outputs),
      },
    ],
  ];
  const { metadata, sources } = settle(layers);
  checkNames(metadata.classes, outputs);
  // The tensors have been renamed to torchvision's names, whatever names the caller's description has.
  metadata.architecture = backbone;
  if (architecture.head.prediction) metadata.prediction = architecture.head.prediction;
  const isAssumption = (field: string) => DECISIVE_FIELDS.includes(field as keyof WeightsMetadata);
  const assumed = Object.keys(sources).filter(
    (field) => isAssumption(field) && ['assumed', 'layout'].includes(sources[field as keyof WeightsMetadata]!),
  );
  if (inputChannels === 1) assumed.splice(0, assumed.length, ...assumed.filter((field) => field !== 'channelOrder'));
  const { operatingThresholds } = metadata;
  if (operatingThresholds && ['layout', 'preset'].includes(sources.operatingThresholds!))
    metadata.operatingThresholds = byClass(operatingThresholds, metadata.classes);
  return {
    metadata: { ...metadata, ...(assumed.length > 0 ? { assumed } : {}) },
    sources,
    found: {
      taken: { ...input.taken, ...(from ? { classes: from } : {}) },
      unused: { ...input.unused, ...(layout.doubt ? { operatingThresholds: layout.doubt } : {}) },
      ...(unfit ? { unfit } : {}),
      ...(layout.marks ? { layout } : {}),
    },
  };
}

/** What the modules of a network that was saved whole say about the head. */
const savedHead = ({ modules }: Checkpoint, { pooling, transition }: Head): Partial<WeightsMetadata> =>
  modules && !transition && savedPooling(modules) === pooling ? { pooling } : {};

/** Takes each field from the first source that has it. The last source must have every field that metadata requires. */
export function settle(layers: readonly (readonly [Source, Partial<WeightsMetadata>])[]): {
  metadata: WeightsMetadata;
  sources: Sources;
} {
  const metadata: Record<string, unknown> = {};
  const sources: Sources = {};
  for (const [source, fields] of layers) {
    for (const [field, value] of Object.entries(fields) as [keyof WeightsMetadata, unknown][]) {
      if (value === undefined || sources[field] !== undefined) continue;
      metadata[field] = value;
      sources[field] = source;
    }
  }
  return { metadata: metadata as unknown as WeightsMetadata, sources };
}

/** What is assumed about the input, and about the origin of the weights, if no source says it. */
export const assumedInput = (inputChannels: 1 | 3, size = 224) =>
  ({
    ...{ inputChannels, inputWidth: size, inputHeight: size, channelOrder: 'rgb', fit: 'stretch' },
    ...assumedNormalisation(inputChannels),
    ...{ heatmapScaling: 'minmax', trainingData: 'unknown', license: 'unknown' },
  }) satisfies Partial<WeightsMetadata>;

/** @throws InputError if there is not exactly one name for each output */
export function checkNames(classes: readonly string[], outputs: number): void {
  if (classes.length === outputs) return;
  throw new InputError('the names of the classes do not fit the network', {
    expected: `${outputs}, one for each output`,
    given: `${classes.length}: ${classes.slice(0, 20).join(', ')}`,
  });
}

/** The fields that results depend on. If one of them is assumed, a warning says so. */
export const DECISIVE_FIELDS: readonly (keyof WeightsMetadata)[] = [
  ...(['classes', 'inputWidth', 'inputHeight', 'channelOrder', 'mean', 'std', 'fit'] as const),
  ...(['pooling', 'lseR', 'transitionActivation'] as const),
];

/** The caller may name all outputs, or only those that were trained; this gives names for all of them. */
function withUntrained(
  given: Partial<WeightsMetadata>,
  outputs: number,
  untrained: readonly number[],
): Partial<WeightsMetadata> {
  const { classes } = given;
  if (!classes || untrained.length === 0 || classes.length !== outputs - untrained.length) return given;
  const rest = [...classes];
  return {
    ...given,
    classes: unnamed(outputs).map((name, index) => (untrained.includes(index) ? name : rest.shift()!)),
  };
}

/** A layout lists operating thresholds by the number of the output; this gives them by class. */
const byClass = (operatingThresholds: Record<string, number>, classes: readonly string[]) =>
  Object.fromEntries(Object.entries(operatingThresholds).map(([index, value]) => [classes[Number(index)], value]));

/**
 * The metadata of a network that normalises its input a second time (`transformInput`): its mean and std include that step.
 * @param isSaid whether the file said so too, so that the normalisation already includes it
 */
export function transformed(metadata: WeightsMetadata, sources: Sources, isSaid: boolean): WeightsMetadata {
  const { mean, std } = metadata;
  const architecture = backboneOf(metadata);
  if (!recognitionOf(descriptionOf(architecture).family)?.transformsInput || mean.length !== 3)
    throw new InputError(
      `transformInput is an option of ${titlesOf(({ transformsInput }) => transformsInput)} with 3 channels`,
      {
        given: `${typeof architecture === 'string' ? architecture : architecture.family} with ${mean.length}`,
      },
    );
  if (isSaid && sources.mean === 'file') return metadata;
  sources.mean = sources.std = 'given';
  const assumed = metadata.assumed?.filter((field) => field !== 'mean' && field !== 'std');
  return { ...metadata, ...transformedInput(mean, std), ...(assumed ? { assumed } : {}) };
}
