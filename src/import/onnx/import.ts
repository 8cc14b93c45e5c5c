/** Turns the bytes of an ONNX file into a checkpoint that contains its network. */
import { counted, firstFew, InputError } from '../../errors.js';
import { CONSTANT } from '../../export/builder.js';
import type { Checkpoint, ImportedNetwork, TensorData } from '../../formats/weights/checkpoint.js';
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import type { GraphBuilder, Node } from '../../graph/ir/graph.js';
import { channelCount, type Tensor } from '../../graph/ir/tensor.js';
import type { NetworkOutputs } from '../../nets/outputs.js';
import { fileInput } from '../../nets/settings/settings.js';
import { describeGraph } from '../../nets/written/graphs.js';
import type { Warning } from '../../warnings.js';
import { activationNames } from '../activation_names.js';
import { type GivenProbabilities, type Localizer, localizerOf } from '../find_localizer.js';
import { assumptionOfRange } from '../input_range.js';
import { type Kit, settled, type Value, type Weights } from '../kit.js';
import type { PlainInput, PlainModel } from '../plain.js';
import { isWhole } from '../views.js';
import { isValue, type Operand, shapeOfOperand } from './call.js';
import { refuseBoxes } from './other_tasks.js';
import { CHANGED, isOwn, ownWeights } from './own.js';
import { withPatterns } from './patterns.js';
import { readModel } from './read.js';
import { imageValue, isChannelsLast, numbersOf, orderOf, type Translation, translate } from './translate.js';

/** Options for what a file may leave open. */
export interface NetworkOptions {
  /** The output that has a number for each class, if the model has several outputs. */
  output?: string | undefined;
  /** How the outputs become probabilities if the model does not compute them itself. `none`: they are probabilities. Default: a sigmoid for each class. */
  probabilities?: GivenProbabilities | undefined;
  /** Side of the image if the model is for any size. Default: what the file's metadata says, else 224. */
  size?: number | undefined;
  /** Channels of the image if the model leaves them open. */
  channels?: number | undefined;
}

/** What a caller may say about an ONNX model, and where its other files are. */
export interface OnnxOptions extends NetworkOptions {
  /** Reads a file beside the model that holds some of its tensors. */
  external(location: string): Promise<Uint8Array>;
}

/** The name of the output with a number for each class in models that raybox writes. */
const CLASSES_OUTPUT = 'probabilities';

/** How many numbers may be computed from constants in addition to those of the file, for shapes and indices. */
const MORE_NUMBERS = 2 ** 22;

/**
 * Reads an ONNX model: its weights as tensors, its network as a graph with the localizer found in it.
 * @throws InputError that names the operator and the node that raybox cannot run, or says why the network cannot localize
 */
export async function importOnnx(bytes: Uint8Array, options: OnnxOptions): Promise<Checkpoint> {
  const files = new Map<string, Uint8Array>();
  const model = readModel(bytes, files);
  for (const location of model.externalFiles) files.set(location, await options.external(location));
  if (!isOwn(model)) return withWarnings(importNetwork(model, options), newerOperators(model.opset));
  const { output = CLASSES_OUTPUT } = options;
  const own = output === CLASSES_OUTPUT ? ownWeights(model) : undefined;
  if (own) return own;
  const imported = importNetwork(model, { ...options, output });
  return withWarnings(imported, [CHANGED, ...newerOperators(model.opset)]);
}

function withWarnings(imported: Checkpoint, more: readonly Warning[]): Checkpoint {
  const network = imported.network!;
  return { ...imported, network: { ...network, warnings: [...more, ...network.warnings] } };
}

/** The newest version of ONNX's operators that raybox was compared with: that of onnx 1.23. Between 22 and 28, nothing that raybox reads changed. */
const NEWEST = 28;

/** Unknown attributes are refused anyway. This warns of changes that a newer version may have made without a new attribute. */
const newerOperators = (opset: number): Warning[] =>
  opset <= NEWEST
    ? []
    : [
        {
          code: 'assumed-network',
          message: `The model has opset ${opset}, and raybox knows ONNX's operators up to opset ${NEWEST}. They were read as in that one. Compare the results with those of onnxruntime (raybox verify --weights), or export the model with opset ${NEWEST} or older.`,
        },
      ];

/**
 * The same for a model that was read from any format, whose nodes have ONNX's operators.
 * @throws InputError as `importOnnx` does
 */
export function importNetwork(read: PlainModel, options: NetworkOptions): Checkpoint {
  const model = withPatterns(read);
  const input = imageInput(model);
  const image = imageShape(input, model, options);
  const { name, others } = classesOutput(model, options.output);
  refuseBoxes(model, name);
  const values = new Map<string, Value>();
  const translation: Translation = {
    ...{ model, weights: new Map(), computed: new Map(), computedInBranches: new Map(), told: new Set(), values },
    budget: { left: 4 * numbersOf(model) + MORE_NUMBERS },
  };
  let ends: Localizer['ends'];
  let classes: Tensor | undefined;
  let first: { node: Node; weights: Weights } | undefined;
  const network = (g: GraphBuilder, x: Tensor): NetworkOutputs => {
    const operands = translate(translation, g, new Map([[input.name, imageValue(x, input)]]), [name]);
    const kit = { g, weights: translation.weights, name };
    const found = localizerOf(kit, numbersOfClasses(kit, operands.get(name), model), options.probabilities);
    const node = g.nodes.find(({ inputs }) => inputs[0] === x);
    first = node && { node, weights: translation.weights };
    ends = found.ends;
    classes = ends ? found.probabilities : found.logits;
    return found;
  };
  const graph = describeGraph(network, image);
  const used = new Set(graph.parameters.map(([parameter]) => parameter));
  const tensors = [...translation.weights].flatMap(([parameter, { shape, data }]): [string, TensorData][] =>
    used.has(parameter) ? [[parameter, { shape, data }]] : [],
  );
  const told = [
    ...(others.length > 0 ? [ignoredOutputs(name, others)] : []),
    ...probabilitiesTold(ends, options.probabilities),
    ...(translation.told.has('quantised') ? [QUANTISED] : []),
  ];
  return {
    tensors: new Map(tensors),
    metadata: withoutOwnKeys(model.metadata),
    network: {
      graph,
      ...fieldsOf(input, image),
      ...(first ? assumptionOfRange(first) : {}),
      warnings: told,
      undecided: ends || options.probabilities ? [] : ['probabilities'],
    },
    // The head is added anew, so the values that it replaces have no tensors; the numbers of the classes are the same.
    activations: activationNames(read, values, orderOf(input)).set(name, classes!.name),
  };
}

/** Weights alone, for a network that the caller brings. */
export async function onnxTensors(bytes: Uint8Array, options: Pick<OnnxOptions, 'external'>): Promise<Checkpoint> {
  const files = new Map<string, Uint8Array>();
  const model = readModel(bytes, files);
  for (const location of model.externalFiles) files.set(location, await options.external(location));
  // Sizes and axes are whole numbers, and no parameters; nor are constants that raybox itself has written.
  const parameters = [...model.constants].filter(([name, { type }]) => type !== 'I64' && !name.startsWith(CONSTANT));
  const tensors = parameters.map(([name, { shape, values }]): [string, TensorData] => {
    const data = values();
    return [name, { shape: [...shape], data: data instanceof Float32Array ? data : Float32Array.from(data) }];
  });
  return { tensors: new Map(tensors), metadata: withoutOwnKeys(model.metadata) };
}

/** Removes raybox's own metadata, because the model does not have the tensors of a raybox weights file. */
const withoutOwnKeys = (metadata: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(metadata).filter(([key]) => key !== 'raybox_weights'));

const shown = ({ name, shape, type }: PlainInput) =>
  `${name.slice(0, 60)} ${type}[${shape?.map((size) => size ?? '?').join('×') ?? '?'}]`;

function imageInput({ inputs, format }: PlainModel): PlainInput {
  const expected = 'one input, an image of 1 or 3 channels';
  if (inputs.length !== 1)
    throw new InputError(`${format}: the model has ${counted(inputs.length, 'input')}`, {
      expected,
      given: firstFew(inputs.map(shown), 6) || 'none',
      hint: 'raybox gives a network one image and nothing else: export the model with its other inputs as constants',
    });
  const [input] = inputs;
  if ((input.shape && input.shape.length !== 4) || !IMAGE_TYPES.includes(input.type))
    throw new InputError(`${format}: the model's input is not an image`, { expected, given: shown(input) });
  return input;
}

const IMAGE_TYPES = ['F32', 'F16', 'BF16', 'F64', 'U8'];

function imageShape(
  { shape = [], name }: PlainInput,
  { metadata, format }: PlainModel,
  { size, channels }: NetworkOptions,
) {
  const isLast = isChannelsLast(shape);
  const [n, ...rest] = shape;
  const [c, height, width] = isLast ? [rest[2], rest[0], rest[1]] : rest;
  if (n !== undefined && n !== 1)
    throw new InputError(`${format}: the model is for ${n} images at once`, {
      hint: 'export it for one image, or with an open number of them (dynamic_axes)',
    });
  const own = c ?? channels;
  if (own === undefined)
    throw new InputError(`${format}: the model does not say how many channels its image has (${name})`, {
      expected: '1 or 3',
      hint: `give the option inputChannels (--metadata '{"inputChannels":3}')`,
    });
  if (own !== 1 && own !== 3)
    throw new InputError(`${format}: the model's image has another number of channels`, {
      expected: '1 or 3',
      given: String(own),
    });
  const sides = [height, width].filter((side) => side !== undefined);
  if (sides.length === 2 && height !== width)
    throw new InputError(`${format}: the model's image is not square`, { given: `${width} × ${height}` });
  const fixed = sides[0];
  if (fixed !== undefined && size !== undefined && size !== fixed)
    throw new InputError(`${format}: the model is for images of ${fixed} × ${fixed} pixels`, {
      given: `${size}`,
      hint: 'export it with open sizes (dynamic_axes) to run it at others',
    });
  const side = fixed ?? size ?? fileInput(metadata, { family: 'graph' }, own).fields.inputWidth ?? 224;
  if (!(side >= 1 && side <= 16_384))
    throw new InputError(`${format}: the model's image is too large`, { given: String(side) });
  return { height: side, width: side, channels: own as 1 | 3, isFixed: fixed !== undefined };
}

/** The output that has a number for each class. */
function classesOutput(
  { outputs, format }: PlainModel,
  wanted: string | undefined,
): { name: string; others: string[] } {
  const names = outputs.map(({ name }) => name);
  const rest = (name: string) => names.filter((other) => other !== name);
  const list = firstFew(outputs.map(shown), 8) || 'none';
  if (wanted !== undefined) {
    if (names.includes(wanted)) return { name: wanted, others: [] };
    throw new InputError(`${format}: the model has no output ${wanted}`, { given: list });
  }
  if (names.length === 1) return { name: names[0], others: [] };
  const fitting = outputs.filter(({ shape, type }) => shape?.length === 2 && /^B?F\d/.test(type));
  if (fitting.length === 1) return { name: fitting[0].name, others: rest(fitting[0].name) };
  throw new InputError(`${format}: the model has ${counted(names.length, 'output')}`, {
    expected: 'one, with a number for each class',
    given: list,
    hint: 'choose one with the option output (--output NAME); raybox cannot localize with networks that detect or segment',
  });
}

/** The output as a tensor of one pixel, whose channels are the classes. */
function numbersOfClasses(kit: Kit, output: Operand | undefined, { format }: PlainModel): Tensor {
  const { name } = kit;
  if (!output || !isValue(output))
    throw new InputError(`${format}: the output ${name} does not depend on the image`, { hint: 'it is a constant' });
  const { tensor, dims } = settled(kit, output);
  const isList =
    dims.every((runs) => runs.length === 0) || dims.some((runs) => isWhole(runs, 'c', channelCount(tensor)));
  if (isList) return tensor;
  throw new InputError(`${format}: the output ${name} is not a list of numbers`, {
    expected: 'a number for each class',
    given: shapeOfOperand(output).join('×'),
  });
}

function fieldsOf(
  { type }: PlainInput,
  { width, height, channels, isFixed }: ReturnType<typeof imageShape>,
): Pick<ImportedNetwork, 'fields'> {
  const fields: Partial<WeightsMetadata> = { inputChannels: channels };
  if (isFixed) Object.assign(fields, { inputWidth: width, inputHeight: height });
  // A model whose input is bytes expects pixels from 0 to 255.
  const each = (value: number) => new Array<number>(channels).fill(value);
  if (type === 'U8') Object.assign(fields, { mean: each(0), std: each(1 / 255) });
  return { fields };
}

const ignoredOutputs = (name: string, others: readonly string[]): Warning => ({
  code: 'ignored-data',
  message: `The model has several outputs. ${name} was taken, which has a number for each class; not used: ${firstFew(others, 6)}. Choose another one with output (--output).`,
});

const QUANTISED: Warning = {
  code: 'assumed-network',
  message:
    'The model is quantised. raybox computes with real numbers where the model rounds to whole ones, so its results differ from those of the model by what rounding changes.',
};

function probabilitiesTold(ends: Localizer['ends'], given: GivenProbabilities | undefined): Warning[] {
  if (ends === 'softmax' || (!ends && given === 'softmax'))
    return [
      {
        code: 'assumed-network',
        message:
          'The probabilities are those of a softmax: their sum is 1, as if each image had exactly one of the classes. They cannot express that an image has two findings, or none.',
      },
    ];
  return [];
}
