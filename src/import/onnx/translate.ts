/** Translates an ONNX graph for one image to operations on a raybox graph, each node by its row in the tables of operators. */
import { InputError } from '../../errors.js';
import type { ElementType } from '../../formats/weights/checkpoint.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { type Budget, spend } from '../arrays.js';
import { asValue, type Kit, type Order, Unsupported, type Value, type Weights } from '../kit.js';
import { isReal } from '../numbers.js';
import {
  type Constant,
  countOf,
  graphsIn,
  type PlainGraph,
  type PlainInput,
  type PlainModel,
  type PlainNode,
} from '../plain.js';
import { arithmetic } from './arithmetic.js';
import { branchOf, readBy } from './branches.js';
import { type Call, isValue, type Operand, type Operator } from './call.js';
import { casts } from './casts.js';
import { layerOperators } from './layers.js';
import { logic } from './logic.js';
import { merged } from './patterns.js';
import { places } from './places.js';
import { reductions } from './reductions.js';
import { resizing } from './resizing.js';
import { neededNodes, type Scope, scopeOf, typeNamed, valueNamed } from './scope.js';
import { shapeOperators } from './shapes.js';

const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  Object.entries({
    ...shapeOperators,
    ...arithmetic,
    ...casts,
    ...logic,
    ...reductions,
    ...layerOperators,
    ...places,
    ...resizing,
    ...merged,
  }),
);

/** Operators of networks that compute boxes or masks, or that have a memory. Classifiers of images do not have them. */
const OTHER_NETWORKS =
  /^(NonMaxSuppression|RoiAlign|MaxRoiPool|GridSample|LSTM|GRU|RNN|Loop|Scan|NonZero|Multinomial|StringNormalizer)$/;

/** Operators that compute with whole numbers, as quantisation writes them in its older form. */
const QUANTISED = /^(QLinear\w+|\w+Integer|DynamicQuantizeLinear|com\.microsoft::(QLinear|QGemm|DynamicQuantize)\w*)$/;

/** What is shared between the graphs that are built of one model. */
export interface Translation {
  readonly model: PlainModel;
  readonly weights: Weights;
  /** Constants that were computed, by name. */
  readonly computed: Map<string, Constant>;
  /** The same for branches, each of which has names of its own. */
  readonly computedInBranches?: Map<PlainGraph, Map<string, Constant>>;
  readonly budget: Budget;
  /** Facts that the user has to be told. */
  readonly told: Set<string>;
  /** Set where images are a dimension of the values like any other. */
  readonly ownImages?: boolean;
  /** Inputs whose numbers are known. Operators that need constants can use these numbers. */
  readonly numbers?: ReadonlyMap<Operand, Constant>;
  /** Types of values by name: those of inputs, if they are known, and what follows from them. */
  readonly types?: Map<string, ElementType>;
  /** Gets the values that nodes put out, by name. */
  readonly values?: Map<string, Value>;
}

/** Whether the file's images are [images, rows, columns, channels]. */
export const isChannelsLast = (shape: readonly (number | undefined)[]): boolean =>
  (shape[3] === 1 || shape[3] === 3) && !(shape[1] === 1 || shape[1] === 3);

/** The order of the model's maps, which is that of its image: channels are first or last. */
export const orderOf = ({ shape = [] }: PlainInput): Order =>
  isChannelsLast(shape) ? { h: 1, w: 2, c: 3 } : { c: 1, h: 2, w: 3 };

/** The image as the value that the model reads. */
export const imageValue = (image: Tensor, input: PlainInput): Value => asValue(image, orderOf(input), 4);

/**
 * Adds the network to a graph.
 * @param inputs what the model's inputs stand for, by their names
 * @returns the wanted outputs by name
 */
export function translate(
  translation: Translation,
  g: GraphBuilder,
  inputs: ReadonlyMap<string, Operand>,
  wanted: readonly string[],
): Map<string, Operand> {
  const { model, computed, types = new Map() } = translation;
  const values = new Map<string, Operand>([...model.constants, ...computed, ...inputs]);
  translateNodes(translation, g, scopeOf(model, { values, computed, types }), wanted);
  return new Map(wanted.flatMap((name) => (values.has(name) ? [[name, values.get(name)!] as const] : [])));
}

/** Translates the nodes that the wanted values depend on, in the order of the file. */
function translateNodes(translation: Translation, g: GraphBuilder, scope: Scope, wanted: readonly string[]): void {
  const nodes = neededNodes(scope, wanted);
  const read = new Set([...wanted, ...nodes.flatMap(readBy), ...scope.readInside]);
  for (const node of nodes) {
    // A branch that was translated meanwhile may have needed this node too.
    if (!scope.begun.has(node)) translateNode(translation, g, scope, node, read);
  }
}

function translateNode(
  translation: Translation,
  g: GraphBuilder,
  scope: Scope,
  node: PlainNode,
  read: ReadonlySet<string>,
): void {
  const { weights, budget, told, ownImages = false, numbers, values: kept } = translation;
  const { values, computed, types } = scope;
  scope.begun.add(node);
  if (node.outputs.length === 1 && computed.has(node.outputs[0])) return;
  provideFromOutside(translation, g, scope, node.inputs);
  const operands = node.inputs.map((name) => (name === '' ? undefined : operandOf(scope, name, node)));
  const kit: Kit = { g, weights, ownImages, name: node.name.slice(0, 160) };
  const call: Call = {
    ...{ node, kit, budget, operands, version: node.version },
    outputs: node.outputs.findLastIndex((name) => name !== '' && read.has(name)) + 1,
    types: node.inputs.map((name, i) => typeOfOperand(operands[i], typeNamed(scope, name))),
    tell: (about) => told.add(about),
    ...(numbers ? { numbers } : {}),
  };
  const isBranch = node.operator === 'If';
  const results = isBranch ? translateBranch(translation, scope, call) : [translated(call)].flat().map(typed(call));
  const isKnown = !isBranch && operands.every((one) => one === undefined || !isValue(one));
  node.outputs.forEach((name, i) => {
    if (name === '' || !read.has(name)) return;
    const result = results[i];
    if (!result) throw refusal(call, new Unsupported(`its output ${i} is read`));
    const { operand, type } = result;
    values.set(name, operand);
    if (isValue(operand)) {
      if (!scope.outer) kept?.set(name, operand);
      if (type) types.set(name, type);
    } else if (isKnown) computed.set(name, operand);
  });
}

interface Result {
  readonly operand: Operand;
  /** Undefined for a constant, and if it is not known. */
  readonly type: ElementType | undefined;
}

const typed =
  (call: Call) =>
  (operand: Operand): Result => ({
    operand,
    type: isValue(operand) ? resultType(call) : undefined,
  });

/** Translates the branch that is taken. */
function translateBranch(translation: Translation, outer: Scope, call: Call): Result[] {
  const { g } = call.kit;
  const branch = named(call, () => branchOf(call));
  const known = translation.computedInBranches;
  const computed = known?.get(branch) ?? new Map<string, Constant>();
  known?.set(branch, computed);
  const values = new Map<string, Operand>([...branch.constants, ...computed]);
  const scope = scopeOf(branch, { outer, values, computed, types: new Map() });
  const wanted = branch.outputs.map(({ name }) => name);
  translateNodes(translation, g, scope, wanted);
  provideFromOutside(translation, g, scope, wanted);
  return wanted.map((name) => ({ operand: operandOf(scope, name, call.node), type: typeNamed(scope, name) }));
}

/** Translates what the graphs around a branch compute for it, unless that was translated already. */
function provideFromOutside(
  translation: Translation,
  g: GraphBuilder,
  { outer, producers, values }: Scope,
  names: readonly string[],
): void {
  const outside = outer ? names.filter((name) => !producers.has(name) && !values.has(name)) : [];
  if (!outer || outside.length === 0) return;
  translateNodes(translation, g, outer, outside);
  provideFromOutside(translation, g, outer, outside);
}

/** The type of an operand. A computed value is float32 unless another type is known. */
const typeOfOperand = (operand: Operand | undefined, known: ElementType | undefined): ElementType | undefined =>
  operand && (isValue(operand) ? (known ?? 'F32') : operand.type);

/** The type of a node's result: that of its row, or that of its first input. */
function resultType(call: Call): ElementType | undefined {
  const { result } = OPERATORS.get(call.node.operator) ?? {};
  return typeof result === 'function' ? result(call) : (result ?? call.types[0]);
}

/** Refuses computed whole numbers and truth values, which are float32 on the GPU, unless the operator is exact for them. */
function checkWhole(call: Call, { takesWhole = false }: Operator): void {
  const index = call.operands.findIndex((one, i) => one && isValue(one) && !isReal(call.types[i] ?? 'F32'));
  if (index >= 0 && !takesWhole)
    throw new Unsupported(`its input ${index} is computed by the network, and is of the type ${call.types[index]}`);
}

function operandOf(scope: Scope, name: string, node: PlainNode): Operand {
  const found = valueNamed(scope, name);
  if (found) return found;
  throw new InputError(`${describeNode(node)} reads ${name}, which no node computes`, {
    hint: 'the nodes of a model have to stand in the order in which they run: onnx.checker.check_model says more',
  });
}

function translated(call: Call): Operand | readonly Operand[] {
  const { node } = call;
  const operator = OPERATORS.get(node.operator);
  if (!operator) throw refusal(call, unknownOperator(node.operator));
  const known = [...(operator.attributes ?? [])];
  const unknown = Object.keys(node.attributes).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw refusal(
      call,
      new Unsupported(
        `raybox does not know its attribute ${unknown.slice(0, 80)}`,
        `known are: ${known.join(', ') || 'none'}`,
      ),
    );
  return named(call, () => {
    spend(call.budget, 0);
    checkWhole(call, operator);
    return operator.translate(call);
  });
}

/** Adds the node to errors that are thrown. */
function named<T>(call: Call, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof Unsupported || error instanceof InputError) throw refusal(call, error);
    throw error;
  }
}

function unknownOperator(name: string): Unsupported {
  if (QUANTISED.test(name))
    return new Unsupported(
      'raybox does not compute with whole numbers',
      'quantise the model as pairs of QuantizeLinear and DequantizeLinear (quant_format=QuantFormat.QDQ), or take the model as it was before',
    );
  return OTHER_NETWORKS.test(name)
    ? new Unsupported(
        'networks that classify an image do not have it',
        'raybox localizes with networks that put out a number for each class',
      )
    : new Unsupported(
        'raybox does not have this operator',
        'export the model with standard operators of a classifier, or cut off what it does not need',
      );
}

/** An error with the operator, the node and the version. */
function refusal({ node, version }: Call, cause: Unsupported | InputError): InputError {
  return new InputError(`${describeNode(node, ` (opset ${version})`)}: ${cause.message}`, {
    ...(cause instanceof Unsupported && cause.hint ? { hint: cause.hint } : {}),
    cause,
  });
}

/** Whether a model was refused because raybox lacks something, and not because there is an error in it. */
export const isUnsupported = (error: unknown): boolean =>
  error instanceof InputError && error.cause instanceof Unsupported;

const describeNode = ({ origin, operator, name }: PlainNode, version = '') =>
  origin ?? `onnx: ${operator} '${name.slice(0, 120)}'${version}`;

/** The count of all numbers in the file, from which the budget for computed constants follows. */
export const numbersOf = ({ constants, nodes }: PlainGraph): number =>
  [...constants.values()].reduce((sum, { shape }) => sum + countOf(shape), 0) +
  nodes.flatMap(graphsIn).reduce((sum, graph) => sum + numbersOf(graph), 0);
