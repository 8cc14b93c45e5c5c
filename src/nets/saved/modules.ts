/**
 * Checks networks that were saved whole (`torch.save(model)`). Their pickles contain the settings of every layer, which names and shapes of
 * tensors do not show. So the recognised network is compared with these settings: with another stride, padding or activation it would be
 * another network. A class that raybox does not know could compute anything.
 */

import { firstFew, InputError } from '../../errors.js';
import type { Checkpoint, SavedModule, TensorData } from '../../formats/weights/checkpoint.js';
import type { Node } from '../../graph/ir/graph.js';
import type { ActivationAttributes } from '../../ops/layers/activation.js';
import type { Activation } from '../../ops/layers/activations.js';
import type { Warning } from '../../warnings.js';
import {
  activationOf,
  hasPoolingFunctions,
  isContainer,
  isIdentity,
  isMaximum,
  isNetworkClass,
  isResizer,
  isSqueezeExcitation,
  isWithoutEffect,
  layerKind,
} from './classes.js';
import { checkHead, parentOf } from './head.js';
import { checkLayer, varianceShift } from './layers.js';

/** The recognised network, which is compared with the modules of the file. */
export interface Built {
  /** The operations of the recognised network. */
  readonly nodes: readonly Node[];
  /** Its tensors, by the names that it uses. */
  readonly tensors: ReadonlyMap<string, TensorData>;
  /** The prediction layer; undefined if the head is torchvision's classifier, which `checkClassifier` has checked. */
  readonly prediction: string | undefined;
  /** Whether the caller gave the architecture, and so takes responsibility for classes that raybox does not know. */
  readonly isGiven: boolean;
  /** The caller's option `ignore`: beginnings of names in the file. */
  readonly ignore: readonly string[];
}

/**
 * @returns tensors that replace others so that the layers' own settings are followed, and warnings about unknown classes
 * @throws InputError that names the module in which the saved network differs from the recognised one
 */
export function judgeSaved(
  { modules, tensors: file }: Checkpoint,
  built: Built,
): { tensors: Map<string, TensorData>; warnings: Warning[] } {
  if (!modules) return { tensors: new Map(), warnings: [] };
  const nameInFile = namesInFile(file, built.tensors);
  const layers = layersOf(modules, built.nodes, nameInFile);
  for (const { name, module, node } of layers) checkLayer(name, module, node);
  checkBehindLayers(modules, layers, built.nodes);
  const read = new Set(layers.map(({ name }) => name));
  const prediction = built.prediction && parentOf(nameInFile.get(`${built.prediction}.weight`) ?? '');
  const backbone = [...read].filter((name) => name !== prediction);
  const isAround = (name: string) => name === '' || backbone.every((layer) => layer.startsWith(`${name}.`));
  const isBackbone = (name: string) =>
    name === '' || backbone.some((layer) => layer === name || layer.startsWith(`${name}.`));
  const isPositive = isNeverNegative(built.nodes);
  checkPoolings(modules, built.nodes);
  if (prediction !== undefined) checkHead(modules, prediction, isBackbone, isPositive);
  const unknown = checkOthers(modules, read, built, isAround);
  return { tensors: shifted(layers, built.tensors), warnings: unknown.length > 0 ? [told(unknown)] : [] };
}

/**
 * The names that the network's tensors have in the file. They are found by their arrays of numbers, which stay the same if a tensor gets
 * another shape.
 */
function namesInFile(file: Checkpoint['tensors'], tensors: Built['tensors']): Map<string, string> {
  const names = new Map([...file].map(([name, { data }]) => [data, name]));
  return new Map([...tensors].flatMap(([own, { data }]) => (names.has(data) ? [[own, names.get(data)!]] : [])));
}

interface Layer {
  /** The name in the file. */
  readonly name: string;
  readonly module: SavedModule;
  readonly node: Node;
}

const WITH_PARAMETERS = ['conv2d', 'batch_norm', 'layer_norm', 'linear'];

/** Pairs each operation that has parameters with the module that the parameters belong to. */
function layersOf(
  modules: NonNullable<Checkpoint['modules']>,
  nodes: readonly Node[],
  nameInFile: ReadonlyMap<string, string>,
): Layer[] {
  return nodes.flatMap((node) => {
    if (!WITH_PARAMETERS.includes(node.operation.name)) return [];
    const weight = nameInFile.get(node.inputs[1]?.name ?? '');
    const name = weight === undefined ? undefined : parentOf(weight);
    const module = name === undefined ? undefined : modules.get(name);
    return module ? [{ name: name!, module, node }] : [];
  });
}

/**
 * Checks the activation after each layer. If both the network and the file have one there, or the file has an identity instead, they must
 * be equal.
 */
function checkBehindLayers(
  modules: NonNullable<Checkpoint['modules']>,
  layers: readonly Layer[],
  nodes: readonly Node[],
): void {
  const next = new Map(nodes.map((node) => [node.inputs[0], node]));
  for (const { name, node } of layers) {
    // What follows the prediction layer belongs to the head and is checked there.
    const follower = node.operation.name === 'linear' ? undefined : next.get(node.outputs[0]);
    if (follower?.operation.name !== 'activation') continue;
    const around = parentOf(name);
    const parent = modules.get(around);
    // The parts of squeeze-and-excitation are not stored in the order in which they run.
    if (!parent || isSqueezeExcitation(parent)) continue;
    const siblings = parent.children;
    const child = siblings[siblings.indexOf(name.slice(around === '' ? 0 : around.length + 1)) + 1];
    const behind = child === undefined ? undefined : `${around === '' ? '' : `${around}.`}${child}`;
    const module = behind === undefined ? undefined : modules.get(behind);
    if (!module || !(activationOf(module) || isIdentity(module))) continue;
    const { activation } = follower.attributes as ActivationAttributes;
    if (JSON.stringify(activationOf(module)) !== JSON.stringify(activation))
      throw otherActivation(behind!, module, activation);
  }
}

const otherActivation = (name: string, { type, settings }: SavedModule, expected: Activation) =>
  new InputError(`the saved network's activation ${name} differs from that of this family of networks`, {
    expected: Object.values(expected).join(' '),
    given: [
      type,
      ...Object.entries(settings).flatMap(([key, value]) => (/slope|_val$/.test(key) ? [`${key} ${value}`] : [])),
    ].join(', '),
    hint: 'if raybox ran it as the family has it, its results would be wrong',
  });

/**
 * Matches the names that blocks give to an activation or a pooling. It may be anywhere among the block's children, and an nn.Identity in
 * its place means that there is none.
 */
const IN_ITS_PLACE = /(^|\.)(relu|act|activation|non_?linearity|(max|avg)?pool)[\d.]*$/i;

/** Poolings have no parameters by which they could be found, but their order is the same in the file and in the network. */
function checkPoolings(modules: NonNullable<Checkpoint['modules']>, nodes: readonly Node[]): void {
  const saved = [...modules].filter(([, module]) => layerKind(module) === 'pool');
  const isByName = [...modules.values()].some(hasPoolingFunctions);
  const isSaved = (node: Node) => saved.some(([name]) => isCalled(node, name));
  const own = nodes.filter((node) => node.operation.name === 'pool' && (!isByName || isSaved(node)));
  if (saved.length !== own.length)
    throw new InputError('the saved network has other poolings than this family of networks', {
      expected:
        firstFew(
          own.map(({ outputs }) => outputs[0].name),
          6,
        ) || 'none',
      given:
        firstFew(
          saved.map(([name]) => name),
          6,
        ) || 'none',
    });
  saved.forEach(([name, module], index) => {
    checkLayer(name, module, own[index]);
  });
}

/** Whether an operation's output has the same name as a module, apart from the module's path. */
const isCalled = ({ outputs }: Node, name: string) =>
  outputs[0].name.slice(outputs[0].name.lastIndexOf('.') + 1) === name.slice(name.lastIndexOf('.') + 1);

/** The network's activations, without the sigmoid that gives the probabilities. */
const activationsIn = (nodes: readonly Node[]) =>
  nodes
    .filter(({ operation, outputs }) => operation.name === 'activation' && outputs[0].name !== 'probabilities')
    .map(({ attributes }) => (attributes as ActivationAttributes).activation);

/** Whether the last activation of the network, which gives the features, has no values below zero. */
function isNeverNegative(nodes: readonly Node[]): boolean {
  const last = activationsIn(nodes).at(-1);
  return last?.kind === 'relu' || (last?.kind === 'clip' && last.a >= 0);
}

/**
 * Checks the modules that have none of the network's parameters.
 * @returns the modules around the backbone whose class raybox does not know
 * @throws InputError for a hook, for an activation that the network does not have, and for an unknown class within the backbone
 */
function checkOthers(
  modules: NonNullable<Checkpoint['modules']>,
  read: ReadonlySet<string>,
  { nodes, isGiven, ignore }: Built,
  isAround: (name: string) => boolean,
): [string, SavedModule][] {
  const activations = new Set(activationsIn(nodes).map((one) => JSON.stringify(one)));
  const unknown: [string, SavedModule][] = [];
  for (const [name, module] of modules) {
    if (ignore.some((start) => `${name}.`.startsWith(start))) continue;
    const called = name || 'as a whole';
    if (module.code.length > 0)
      throw new InputError(`the saved network's module ${called} has code of its own`, {
        expected: 'what its class computes',
        given: `${module.code.join(', ')} of ${module.type}`,
        hint: 'a hook or a replaced forward may change what the network says, and nothing of it is in the file',
      });
    const parent = modules.get(parentOf(name));
    const isMissing = isWithoutEffect(module) && IN_ITS_PLACE.test(name) && parent && isNetworkClass(parent);
    if (read.has(name) || isContainer(module) || isNetworkClass(module) || (isWithoutEffect(module) && !isMissing))
      continue;
    const isGate = layerKind(module) === 'adaptive' && parent && isSqueezeExcitation(parent) && isMaximum(module);
    if ((layerKind(module) !== undefined && !isGate) || isResizer(module, parent)) continue;
    const activation = activationOf(module);
    const isOfHead = activation?.kind === 'sigmoid' && isAround(parentOf(name));
    if (activation && (activations.has(JSON.stringify(activation)) || isOfHead || isSigmoidOfHead(name, modules)))
      continue;
    if (activation || /^torch\.nn\.modules\./.test(module.type))
      throw new InputError(`the saved network has ${name}, which this family of networks does not have`, {
        expected: 'the layers and activations of the family, and no other',
        given: module.type,
        hint: 'without it the results would be wrong',
      });
    if (!isAround(name) && !isGiven) throw unknownWithin(name, module);
    unknown.push([name, module]);
  }
  return unknown;
}

/** Whether a module is a sigmoid after a linear layer in an nn.Sequential. `checkHead` has checked their order. */
function isSigmoidOfHead(name: string, modules: NonNullable<Checkpoint['modules']>): boolean {
  const around = parentOf(name);
  const siblings = modules.get(around)?.children ?? [];
  return siblings.some((child) => modules.get(around === '' ? child : `${around}.${child}`)?.type.endsWith('.Linear'));
}

const unknownWithin = (name: string, { type }: SavedModule) =>
  new InputError(`raybox does not know what the saved network's ${name} computes`, {
    expected: "modules of PyTorch, torchvision's networks or torchxrayvision's",
    given: type,
    hint: 'a class is saved without its code. If it computes the same as torchvision’s network does here, say so with architecture (--architecture), or save the state dict',
  });

const LISTED = 6;

const told = (unknown: readonly [string, SavedModule][]): Warning => ({
  code: 'assumed-network',
  message: `The network was saved whole, with classes whose code is not in the file: ${firstFew(
    unknown.map(([name, { type }]) => (name === '' ? type : `${type} (${name})`)),
    LISTED,
  )}. It is assumed that they compute what the layers within them compute one after the other, as torchvision's network does, with one linear layer on pooled features at the end, and change neither its input nor its outputs.`,
});

/** New variances for batch norms whose ε in the file differs from that of the network. */
function shifted(layers: readonly Layer[], tensors: Built['tensors']): Map<string, TensorData> {
  const changed = new Map<string, TensorData>();
  for (const { module, node } of layers) {
    if (node.operation.name !== 'batch_norm') continue;
    const shift = varianceShift(module, node);
    const name = node.inputs[4]!.name;
    const variance = tensors.get(name);
    if (shift === 0 || !variance) continue;
    changed.set(name, { shape: variance.shape, data: variance.data.map((value) => value + shift) });
  }
  return changed;
}
