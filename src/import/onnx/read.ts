/** Reads nodes, constants, inputs and outputs from the bytes of an ONNX file. The meaning of the operators is not known here. */
import { firstFew, InputError } from '../../errors.js';
import {
  type Attribute,
  graphsIn,
  type PlainGraph,
  type PlainInput,
  type PlainModel,
  type PlainNode,
} from '../plain.js';
import { type ExternalFiles, type ReadTensor, readEntry, readTensor, typeName } from './tensor.js';
import { damaged, type Field, kept, readFields } from './wire.js';

/** Beyond these a file is refused. The largest classifiers have some thousands of nodes. */
const MOST = { nodes: 32_768, tensors: 32_768, attributes: 64, names: 1_024, entries: 4_096, graphs: 512, depth: 16 };

const limited = <T>(list: T[], most: number, what: string) => {
  if (list.length >= most) throw new InputError(`onnx: too many ${what}`, { expected: `at most ${most}` });
  return list;
};

/** What is shared between a model's graph and the graphs within its nodes. */
interface Reading {
  readonly versions: ReadonlyMap<string, number>;
  readonly files: ExternalFiles;
  /** How many graphs there are so far, and how many nodes and tensors they have together. */
  readonly count: { graphs: number; nodes: number; tensors: number };
  /** How many graphs are around this one. */
  readonly depth: number;
}

function countOne(count: Reading['count'], what: keyof Reading['count']): void {
  count[what] += 1;
  if (count[what] > MOST[what]) throw new InputError(`onnx: too many ${what}`, { expected: `at most ${MOST[what]}` });
}

export interface OnnxModel extends PlainModel {
  /** The version of ONNX's own operators. */
  readonly opset: number;
  /** Names of the files that hold tensors of the model. */
  readonly externalFiles: readonly string[];
}

/**
 * Reads a model.
 * @param files the files beside the model. A file is only looked up when the numbers of a tensor in it are read, so the map may be filled later.
 * @throws InputError for a damaged file, and for one whose opsets raybox does not know
 */
export function readModel(bytes: Uint8Array, files: ExternalFiles): OnnxModel {
  const versions = new Map<string, number>();
  const metadata = new Map<string, string>();
  const functions: Uint8Array[] = [];
  let graph: Uint8Array | undefined;
  readFields(bytes, (field) => {
    if (field.number === 7) graph = field.bytes();
    else if (field.number === 8) readVersion(field.bytes(), versions);
    else if (field.number === 14 && metadata.size < MOST.entries) readEntry(field.bytes(), metadata);
    else if (field.number === 25) functions.push(field.bytes());
  });
  if (!graph)
    throw new InputError('onnx: the file has no graph', {
      hint: 'if it is a model of ONNX, download or export it again; if it is a saved_model.pb of TensorFlow, python -m tf2onnx.convert --saved-model FOLDER --output model.onnx writes a model of ONNX',
    });
  if (functions.length > 0)
    throw new InputError('onnx: the model defines operators of its own (functions)', {
      given: `${functions.length}`,
      hint: 'inline them first: onnx.inliner.inline_local_functions(model)',
    });
  const opset = versions.get('');
  if (opset === undefined && versions.size > 0)
    throw new InputError('onnx: the model has no operators of ONNX itself', {
      given: firstFew([...versions.keys()], 4),
    });
  if (opset === undefined) throw damaged('it does not say the version of its operators (opset_import)');
  if (opset < OLDEST)
    throw new InputError(`onnx: opset ${opset} is too old`, {
      expected: `${OLDEST} or newer`,
      hint: 'onnx.version_converter.convert_version(model, 13) of the Python package onnx brings it up to date',
    });
  const read = readGraph(graph, { versions, files, count: { graphs: 0, nodes: 0, tensors: 0 }, depth: 0 });
  return {
    ...read,
    ...{ format: 'onnx', metadata: Object.fromEntries(metadata), opset },
    externalFiles: [...new Set(externalIn(read))],
  };
}

const OLDEST = 7;

function readVersion(bytes: Uint8Array, versions: Map<string, number>): void {
  let [domain, version] = ['', 1];
  readFields(bytes, (field) => {
    if (field.number === 1) domain = field.text();
    else if (field.number === 2) version = field.integer();
  });
  if (versions.size < MOST.names) versions.set(domain === 'ai.onnx' ? '' : domain, version);
}

function readGraph(bytes: Uint8Array, reading: Reading): PlainGraph {
  const nodes: PlainNode[] = [];
  const constants = new Map<string, ReadTensor>();
  const inputs: PlainInput[] = [];
  const outputs: PlainInput[] = [];
  readFields(bytes, (field) => {
    if (field.number === 1) {
      countOne(reading.count, 'nodes');
      nodes.push(readNode(field.bytes(), reading));
    } else if (field.number === 5) {
      countOne(reading.count, 'tensors');
      const tensor = readTensor(field.bytes(), reading.files);
      if (constants.has(tensor.name)) throw damaged(`two tensors are called ${tensor.name}`);
      constants.set(tensor.name, tensor);
    } else if (field.number === 11) limited(inputs, MOST.names + MOST.tensors, 'inputs').push(readValue(field.bytes()));
    else if (field.number === 12) limited(outputs, MOST.names, 'outputs').push(readValue(field.bytes()));
    else if (field.number === 15)
      throw new InputError('onnx: the model has sparse weights', { hint: 'export it with dense ones' });
  });
  // Up to IR version 3 weights were listed among the inputs.
  return { nodes, constants, inputs: inputs.filter(({ name }) => !constants.has(name)), outputs };
}

/** The files in which tensors of a graph lie, or of the graphs within its nodes. */
function externalIn({ nodes, constants }: PlainGraph): string[] {
  const ofNodes = nodes.flatMap(({ attributes }) => Object.values(attributes));
  const own = [...constants.values(), ...ofNodes].flatMap((one) => placeIn(one) ?? []);
  return [...own, ...nodes.flatMap(graphsIn).flatMap(externalIn)];
}

const placeIn = (one: Attribute) =>
  typeof one === 'object' && 'external' in one ? (one as ReadTensor).external?.location : undefined;

function readNode(bytes: Uint8Array, reading: Reading): PlainNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: Uint8Array[] = [];
  let [name, type, domain] = ['', '', ''];
  readFields(bytes, (field) => {
    if (field.number === 1) limited(inputs, MOST.names, 'inputs of a node').push(field.text());
    else if (field.number === 2) limited(outputs, MOST.names, 'outputs of a node').push(field.text());
    else if (field.number === 3) name = field.text();
    else if (field.number === 4) type = field.text();
    else if (field.number === 5) limited(attributes, MOST.attributes, 'attributes').push(field.bytes());
    else if (field.number === 7) domain = field.text();
  });
  const own = domain === 'ai.onnx' ? '' : domain;
  const operator = own === '' ? type : `${own}::${type}`;
  return {
    ...{ operator, inputs, outputs },
    attributes: Object.fromEntries(attributes.map((one) => readAttribute(one, reading, operator === 'If'))),
    name: name || outputs[0] || type,
    version: reading.versions.get(own) ?? 0,
  };
}

/** Reads an attribute. @param hasGraphs whether graphs are read. Those of operators that raybox does not run are not. */
function readAttribute(bytes: Uint8Array, reading: Reading, hasGraphs: boolean): [string, Attribute] {
  let name = '';
  let type: number | undefined;
  const found = new Map<number, Field[]>();
  readFields(bytes, (field) => {
    if (field.number === 1) name = field.text();
    else if (field.number === 20) type = field.integer();
    else if (field.number === 21) throw damaged(`an attribute refers to one of a function (${name})`);
    else if (field.number !== 13) kept(found, field);
  });
  const number = type === undefined || type === 0 ? [...found.keys()][0] : FIELD_OF_TYPE[type];
  const fields = found.get(number) ?? [];
  const last = fields.at(-1);
  const flat = (read: (field: Field) => number[]) => {
    const list = fields.flatMap(read);
    if (list.length > 65_536) throw new InputError('onnx: an attribute has too many numbers', { given: name });
    return list;
  };
  switch (number) {
    case 2:
      return [name, last?.floats().at(-1) ?? 0];
    case 3:
      return [name, last?.integer() ?? 0];
    case 4:
      return [name, last?.text() ?? ''];
    case 5:
      if (!last) throw damaged(`the attribute ${name} is empty`);
      return [name, readTensor(last.bytes(), reading.files)];
    case 6:
      return [name, hasGraphs && last ? { graph: readInner(last.bytes(), reading) } : { other: KINDS[6] }];
    case 7:
      return [name, flat((field) => field.floats())];
    case 8:
      return [name, flat((field) => field.integers())];
    case 9:
      return [name, fields.map((field) => field.text())];
    default:
      return [name, { other: KINDS[number] ?? `of kind ${type ?? number}` }];
  }
}

function readInner(bytes: Uint8Array, reading: Reading): PlainGraph {
  const depth = reading.depth + 1;
  countOne(reading.count, 'graphs');
  if (depth <= MOST.depth) return readGraph(bytes, { ...reading, depth });
  throw new InputError('onnx: branches are within one another too often', { expected: `at most ${MOST.depth} times` });
}

/** By `AttributeProto.AttributeType`, the field that holds the value. */
const FIELD_OF_TYPE: Readonly<Record<number, number>> = {
  ...{ 1: 2, 2: 3, 3: 4, 4: 5, 5: 6, 6: 7, 7: 8, 8: 9, 9: 10, 10: 11, 11: 22, 12: 23, 13: 14, 14: 15 },
};

const KINDS: Readonly<Record<number, string>> = { 6: 'a graph', 10: 'tensors', 11: 'graphs', 22: 'a sparse tensor' };

/** The type of inputs and outputs that are lists of tensors, or may be left out. */
export const NO_TENSOR = 'no tensor';

function readValue(bytes: Uint8Array): PlainInput {
  let name = '';
  let [shape, type]: [(number | undefined)[] | undefined, number] = [undefined, 0];
  readFields(bytes, (field) => {
    if (field.number === 1) name = field.text();
    else if (field.number === 2)
      readFields(field.bytes(), (inner) => {
        if (inner.number !== 1) return;
        readFields(inner.bytes(), (tensor) => {
          if (tensor.number === 1) type = tensor.integer();
          else if (tensor.number === 2) shape = readShape(tensor.bytes());
        });
      });
  });
  return { name, type: type === 0 ? NO_TENSOR : typeName(type), ...(shape ? { shape } : {}) };
}

function readShape(bytes: Uint8Array): (number | undefined)[] {
  const shape: (number | undefined)[] = [];
  readFields(bytes, (field) => {
    if (field.number !== 1) return;
    let size: number | undefined;
    readFields(field.bytes(), (inner) => {
      if (inner.number === 1) size = inner.integer();
    });
    // Old exporters write 0 and −1 for a size that is left open.
    limited(shape, 32, 'dimensions').push(size !== undefined && size >= 1 ? size : undefined);
  });
  return shape;
}
