/**
 * Public checkpoints by name, and how one is recognised. This is loaded only for weights that raybox did not write, since its own describe
 * themselves.
 *
 * A checkpoint is recognised as one of these if its structure fits no other. If several fit, settings in the file, operating thresholds and
 * the name of the file may tell them apart. If they do not, only those facts are used in which all that fit agree.
 */
import { InputError } from '../../errors.js';
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import { nearestOf } from '../../options.js';
import { chesters } from './chester.js';
import { chexnet } from './chexnet.js';
import { jfhealthcare } from './jfhealthcare.js';
import type { Preset, Structure } from './preset.js';
import { inputOf, isOfTorchxrayvision, TORCHXRAYVISION, torchxrayvision } from './torchxrayvision.js';

const PRESETS: readonly Preset[] = [...torchxrayvision, ...chexnet, ...chesters, ...jfhealthcare];

/** What is known about a checkpoint because it was recognised as a public one, and by which marks it was recognised. */
export interface PublicLayout {
  readonly fields: Partial<WeightsMetadata>;
  /** Numbers of outputs that were never trained. */
  readonly untrained: readonly number[];
  /** Set if the user asked for this preset by name. */
  readonly isForced?: true;
  /** Whose layout it is, in words for a sentence; absent if the layout is not known. */
  readonly title?: string;
  readonly marks?: string;
  /** What the publication does and raybox does not, or why a preset that the user asked for may be the wrong one. */
  readonly note?: string;
  readonly citation?: string;
  /** Names of presets that fit equally well but have different outputs. */
  readonly candidates?: readonly string[];
  /** A clause for a message, if the file has one mark of a layout but the rest of the layout does not fit. */
  readonly doubt?: string;
}

const NONE: PublicLayout = { fields: {}, untrained: [] };

/**
 * @param wanted the name of a preset that the user asks for
 * @throws InputError if there is no such preset, or if its outputs are not those of the network
 */
export function publicLayout(structure: Structure, wanted?: string): PublicLayout {
  if (wanted !== undefined) return forced(structure, presetNamed(wanted));
  const fitting = PRESETS.flatMap((preset) => {
    const marks = preset.fits(structure);
    return marks === undefined ? [] : [{ preset, marks }];
  });
  if (structure.operating) {
    const same = fitting.filter(({ preset }) => hasThresholds(preset, structure.operating!));
    return same.length === 1
      ? taken(same, `${same[0].marks}, and its operating thresholds op_threshs`)
      : byThresholds(structure, structure.operating);
  }
  for (const { tells, words } of TELLTALES) {
    const told = fitting.filter(({ preset }) => tells(preset, structure));
    if (told.length === 1) return taken(told, `${told[0].marks}, and ${words}`);
  }
  if (fitting.length > 0) return taken(fitting, fitting[0].marks);
  return isOfTorchxrayvision(structure) ? ofItsClass(structure) : NONE;
}

/** @throws InputError if there is no preset of this name, with the most similar name */
export function presetNamed(name: string): Preset {
  const names = PRESETS.map((preset) => preset.name);
  const found = PRESETS.find((preset) => preset.name === name);
  if (found) return found;
  const nearest = nearestOf(String(name), names);
  throw new InputError(`there is no preset ${String(name).slice(0, 80)}`, {
    expected: names.join(', '),
    ...(nearest ? { hint: `did you mean ${nearest}?` } : {}),
  });
}

/**
 * The metadata of a preset, for a network that comes as a graph, such as an ONNX model.
 * @throws InputError if some outputs of the preset were never trained, since they cannot be removed from a graph
 */
export function wholePreset(name: string): Partial<WeightsMetadata> {
  const preset = presetNamed(name);
  const { labels, operatingThresholds = [], title } = preset;
  // A graph has its pooling.
  const { pooling: _, ...fields } = preset.fields;
  if (untrainedOf(preset).length > 0)
    throw new InputError(`${title} has outputs that were never trained`, {
      expected: 'a preset all of whose outputs were trained, for a network that comes as a graph',
      hint: 'give classes, mean and std instead, and ignore those outputs in the results',
    });
  const names = labels as readonly string[];
  const thresholds = operatingThresholds.flatMap((value, index) =>
    value === null ? [] : [[names[index], value] as const],
  );
  return {
    ...{ ...fields, inputChannels: preset.inputChannels, classes: [...names] },
    ...(thresholds.length > 0 ? { operatingThresholds: Object.fromEntries(thresholds) } : {}),
  };
}

/** The marks by which presets of the same structure are told apart. */
const TELLTALES: readonly { tells: (preset: Preset, structure: Structure) => boolean; words: string }[] = [
  { tells: ({ name }, { settings }) => settings.weights === name, words: 'its name in the setting weights' },
  {
    tells: ({ labels }, { settings }) =>
      [settings.pathologies, settings.targets].includes(JSON.stringify(labels.map((label) => label ?? ''))),
    words: 'the names of its outputs in the settings',
  },
  {
    tells: ({ fileName }, structure) => fileName !== undefined && structure.fileName === fileName,
    words: 'the name of the file',
  },
];

const hasThresholds = ({ operatingThresholds }: Preset, given: ArrayLike<number>) =>
  operatingThresholds?.length === given.length &&
  operatingThresholds.every((own, index) =>
    own === null ? Number.isNaN(given[index]) : Math.fround(own) === Math.fround(given[index]),
  );

const numberOf = (index: number) => `output ${index}`;

/**
 * Outputs and thresholds of a preset as fields of metadata. Thresholds are listed by number, since the user may give the outputs other
 * names.
 */
const outputsOf = ({ labels, operatingThresholds = [] }: Preset) => ({
  classes: labels.map((label, index) => label ?? numberOf(index)),
  ...(operatingThresholds.length > 0 ? { operatingThresholds: byNumber(operatingThresholds) } : {}),
});

const byNumber = (thresholds: readonly (number | null)[]) =>
  Object.fromEntries(thresholds.flatMap((value, index) => (value === null ? [] : [[String(index), value]])));

const untrainedOf = ({ labels }: Preset) => labels.flatMap((label, index) => (label === null ? [index] : []));

function forced(structure: Structure, preset: Preset): PublicLayout {
  const { inputChannels, labels, title } = preset;
  if (inputChannels !== structure.inputChannels || labels.length !== structure.outputs)
    throw new InputError(`these weights are not ${title}`, {
      expected: `${labels.length} outputs, and a first layer of ${inputChannels} channels`,
      given: `${structure.outputs} outputs, and ${structure.inputChannels} channels`,
    });
  const marks = preset.fits(structure);
  const isOther =
    marks === undefined ? `The layers are not those of ${title}, whose names and input were asked for` : undefined;
  return {
    ...taken([{ preset }], marks ? `the option preset, and ${marks}` : 'the option preset'),
    ...(isOther ? { note: isOther } : {}),
    isForced: true,
  };
}

/** The facts in which all presets agree that fit equally well. */
function taken(found: readonly { preset: Preset }[], marks: string): PublicLayout {
  const presets = found.map(({ preset }) => preset);
  const agree = <T>(of: (preset: Preset) => T): T | undefined => {
    const values = presets.map(of);
    return values.every((value) => JSON.stringify(value) === JSON.stringify(values[0])) ? values[0] : undefined;
  };
  const fields = presets[0].fields;
  const names = Object.keys(fields) as (keyof Preset['fields'])[];
  const agreed = Object.fromEntries(names.map((name) => [name, agree(({ fields: own }) => own[name])]));
  const outputs = agree(({ labels }) => labels) ? outputsOf(presets[0]) : undefined;
  const note = agree(({ note: own }) => own);
  return {
    fields: { ...agreed, ...outputs },
    untrained: outputs ? untrainedOf(presets[0]) : [],
    title: `that of ${presets.length > 3 ? `one of ${presets.length} public checkpoints` : presets.map(({ title }) => title).join(' or ')}`,
    marks,
    ...(note ? { note } : {}),
    ...(outputs ? { citation: [...new Set(presets.map(({ citation }) => citation))].join('; ') } : {}),
    ...(outputs ? {} : { candidates: presets.map(({ name }) => name) }),
  };
}

/**
 * Recognises networks that were trained with torchxrayvision but not published by it: one channel, a DenseNet with its `classifier` (224
 * pixels) or a ResNet with its `fc` (512), and `op_threshs` with a probability for each output, or NaN for one that was not trained. All of
 * this has to be there. The usual names of outputs are taken if there are as many outputs as torchxrayvision's classifiers have.
 */
function byThresholds(
  { family, inputChannels, outputs, prediction }: Structure,
  operating: ArrayLike<number>,
): PublicLayout {
  const values = Array.from(operating, (value) => (Number.isNaN(value) ? null : value));
  const isWhole =
    inputChannels === 1 &&
    isLayerOf(family, prediction) &&
    values.length === outputs &&
    values.every((value) => value === null || (value >= 0 && value <= 1));
  if (!isWhole)
    return {
      ...NONE,
      doubt:
        "op_threshs, which torchxrayvision's classifiers have too, but with one channel, a DenseNet's classifier or a ResNet's fc, and a probability for each output: its range of −1024 to 1024 and its names were not assumed",
    };
  const hasNames = outputs === TORCHXRAYVISION.length;
  return {
    title: 'torchxrayvision’s',
    marks: `op_threshs beside one channel and ${family === 'resnet' ? "a ResNet's fc" : "a DenseNet's classifier"} of ${outputs} outputs`,
    untrained: values.flatMap((value, index) => (value === null ? [index] : [])),
    fields: {
      ...inputOf(family === 'resnet' ? 512 : 224),
      operatingThresholds: byNumber(values),
      ...(hasNames
        ? { classes: TORCHXRAYVISION.map((name, index) => (values[index] === null ? numberOf(index) : name)) }
        : {}),
    },
  };
}

const isLayerOf = (family: string, prediction: string) =>
  (family === 'densenet' && /(^|\.)classifier$/.test(prediction)) ||
  (family === 'resnet' && /(^|\.)fc$/.test(prediction));

/**
 * The layout of a network of torchxrayvision's class that was saved whole and fits no preset. The class tells the input, and the file the
 * names.
 */
function ofItsClass({ family, inputChannels, outputs, settings }: Structure): PublicLayout {
  if (inputChannels !== 1) return NONE;
  const names = [settings.pathologies, settings.targets].map(listOf).find((list) => list?.length === outputs);
  return {
    title: 'torchxrayvision’s',
    marks: 'the class of the network',
    untrained: (names ?? []).flatMap((name, index) => (name === '' ? [index] : [])),
    fields: {
      ...inputOf(family === 'resnet' ? 512 : 224),
      ...(names ? { classes: names.map((name, index) => name || numberOf(index)) } : {}),
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function listOf(text: string | undefined): string[] | undefined {
  if (!text?.startsWith('[')) return undefined;
  const list = jsonOf(text);
  return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : undefined;
}
