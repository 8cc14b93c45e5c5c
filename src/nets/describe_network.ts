/** What is known of a network beside its tensors, field by field, each from the first source that says it. */

import { InputError } from '../errors.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import type { WeightsMetadata } from '../formats/weights.js';
import { type Architecture, architectureMetadata, backboneOf, type Head } from './architecture.js';
import { descriptionOf } from './backbone.js';
import type { FileInput } from './file_input.js';
import { fileNames } from './file_names.js';
import { fileInput, transformedInput } from './file_settings.js';
import { assumedNormalisation, unnamed } from './input_layouts.js';
import { type PublicLayout, publicLayout } from './presets/index.js';
import { structureOf } from './presets/structure.js';
import { recognitionOf, titlesOf } from './recognition.js';
import { savedPooling } from './saved_head.js';

/** Where a field comes from: the caller, a preset that the caller names, the file's own words, a public layout, names and shapes of tensors, nowhere. */
export type Source = 'given' | 'preset' | 'file' | 'layout' | 'shapes' | 'assumed';
export type Sources = Partial<Record<keyof WeightsMetadata, Source>>;

/** What was found beside the tensors, in words, by the field that it says or might have said. */
export interface Found {
  /** Where in the file it stands. */
  readonly taken: Partial<Record<keyof WeightsMetadata, string>>;
  /** What of the file was not used, and why. */
  readonly unused: FileInput['unused'];
  /** Names of outputs that are none. */
  readonly unfit?: string;
  /** A public layout, and by which marks it was told. */
  readonly layout?: PublicLayout;
}

/** Everything that metadata holds, with where each field comes from. */
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
  // Whatever the caller called them, these are the names of the tensors.
  metadata.architecture = backbone;
  if (architecture.head.prediction) metadata.prediction = architecture.head.prediction;
  const isAssumption = (field: string) => SAID.includes(field as keyof WeightsMetadata);
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

/** What modules say of the head: those of a network that was saved whole. */
const savedHead = ({ modules }: Checkpoint, { pooling, transition }: Head): Partial<WeightsMetadata> =>
  modules && !transition && savedPooling(modules) === pooling ? { pooling } : {};

/** Each field from the first source that says it. The last source must say whatever metadata cannot be without. */
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

/** What is assumed of an input, and of where weights come from, where nobody says it. */
export const assumedInput = (inputChannels: 1 | 3, size = 224) =>
  ({
    ...{ inputChannels, inputWidth: size, inputHeight: size, channelOrder: 'rgb', fit: 'stretch' },
    ...assumedNormalisation(inputChannels),
    ...{ heatmapScaling: 'minmax', trainingData: 'unknown', license: 'unknown' },
  }) satisfies Partial<WeightsMetadata>;

/** @throws InputError where there is not one name for each output */
export function checkNames(classes: readonly string[], outputs: number): void {
  if (classes.length === outputs) return;
  throw new InputError('the names of the classes do not fit the network', {
    expected: `${outputs}, one for each output`,
    given: `${classes.length}: ${classes.slice(0, 20).join(', ')}`,
  });
}

/** What a result depends on, so that an assumption about it is said. */
export const SAID: readonly (keyof WeightsMetadata)[] = [
  ...(['classes', 'inputWidth', 'inputHeight', 'channelOrder', 'mean', 'std', 'fit'] as const),
  ...(['pooling', 'lseR', 'transitionActivation'] as const),
];

/** Names may be given for all outputs, or for those alone that were trained. */
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

/** A layout gives operating thresholds by number of the output. */
const byClass = (operatingThresholds: Record<string, number>, classes: readonly string[]) =>
  Object.fromEntries(Object.entries(operatingThresholds).map(([index, value]) => [classes[Number(index)], value]));

/**
 * The normalisation of a network that transforms its input.
 * @param isSaid the file says it too, and has been heard
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
