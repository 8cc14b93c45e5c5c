/** Reads how the layers of a Keras model are connected, from Sequential and Functional configurations of Keras 2 and 3. */
import { InputError } from '../../errors.js';
import { brief } from '../../formats/brief.js';
import { isObject } from '../../formats/checks.js';
import { own } from '../../formats/json.js';

export interface Layer {
  readonly name: string;
  readonly kind: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Its own layers, if it is a model itself. */
  readonly nested?: Layers;
}

/** An output of one application of a layer, since a layer can be applied several times. */
export interface Reference {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;
}

/** A layer that is applied to inputs. A layer can be applied several times. */
export interface Node {
  readonly id: string;
  readonly needs: readonly string[];
  readonly layer: Layer;
  readonly inputs: readonly Reference[];
  /** Settings of the call, beside the inputs. */
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface Layers {
  readonly nodes: ReadonlyMap<string, Node>;
  /** Names of the layers that the inputs go to, in order. */
  readonly inputs: readonly string[];
  readonly outputs: readonly Reference[];
  /** Names of all layers, including those in nested models. */
  readonly allNames: ReadonlySet<string>;
}

const MOST = { layers: 32_768, name: 1_000 };
export const MODELS: readonly string[] = ['Model', 'Functional', 'Sequential'];

const damaged = (what: string, given: unknown) =>
  new InputError(`tensorflow: the model's configuration is damaged: ${what}`, {
    given: JSON.stringify(given)?.slice(0, 120) ?? 'nothing',
  });

/** @throws InputError if it is not a configuration of layers */
export function layersOf(model: unknown): Layers {
  if (!isObject(model)) throw damaged('it is no model', model);
  const { class_name: kind, config } = model;
  if (!MODELS.includes(String(kind)))
    throw new InputError(`tensorflow: a model of the kind ${brief(kind)}`, {
      expected: 'Functional, Model or Sequential',
      hint: 'a model that is a class of its own has no configuration of layers: convert it as a graph model',
    });
  const list = isObject(config) ? config.layers : config;
  if (!Array.isArray(list) || list.length === 0 || list.length > MOST.layers) throw damaged('it has no layers', list);
  const layers = list.map(layerOf);
  const names = new Set(layers.map(({ name }) => name));
  if (names.size < layers.length) throw damaged('two layers have one name', [...names].slice(0, 3));
  const allNames = new Set(layers.flatMap(({ name, nested }) => [name, ...(nested?.allNames ?? [])]));
  const isSequential = kind === 'Sequential' || !isObject(config) || config.output_layers === undefined;
  return { ...(isSequential ? sequential(layers) : functional(layers, list, config)), allNames };
}

function layerOf(entry: unknown): Layer {
  const { class_name: kind, config } = isObject(entry) ? entry : {};
  if (typeof kind !== 'string' || (!isObject(config) && !Array.isArray(config))) throw damaged('a layer', entry);
  const settings = isObject(config) ? config : {};
  const name = (entry as Record<string, unknown>).name ?? settings.name;
  if (typeof name !== 'string' || name === '' || name.length > MOST.name) throw damaged('a layer has no name', entry);
  const isModel = MODELS.includes(kind);
  return { name, kind, config: settings, ...(isModel ? { nested: layersOf(entry) } : {}) };
}

/** Layers one after the other. If the first is not an input, it describes the input. */
function sequential(layers: readonly Layer[]): Omit<Layers, 'allNames'> {
  const all = [...layers];
  const [first] = all;
  if (first.kind !== 'InputLayer') {
    const inner = first.nested && [...first.nested.nodes.values()].find(({ layer }) => layer.kind === 'InputLayer');
    const shape =
      own(first.config, 'batch_input_shape') ??
      inner?.layer.config.batch_input_shape ??
      inner?.layer.config.batch_shape;
    const config = { batch_input_shape: shape, dtype: own(first.config, 'dtype') };
    all.unshift({ name: `${first.name} (image)`, kind: 'InputLayer', config });
  }
  const nodes = all.map((layer, i): Node => {
    const before = all[i - 1];
    return {
      ...{ id: `${layer.name}:0`, layer, settings: {} },
      needs: before ? [`${before.name}:0`] : [],
      inputs: before ? [{ layer: before.name, node: 0, tensor: 0 }] : [],
    };
  });
  return {
    nodes: new Map(nodes.map((node) => [node.id, node])),
    inputs: [all[0].name],
    outputs: [{ layer: all[all.length - 1].name, node: 0, tensor: 0 }],
  };
}

function functional(
  layers: readonly Layer[],
  entries: readonly unknown[],
  config: Record<string, unknown>,
): Omit<Layers, 'allNames'> {
  const nodes = new Map<string, Node>();
  layers.forEach((layer, i) => {
    const inbound = (entries[i] as Record<string, unknown>).inbound_nodes ?? [];
    if (!Array.isArray(inbound)) throw damaged(`the inputs of ${layer.name.slice(0, 60)}`, inbound);
    const calls = inbound.length === 0 ? [{ inputs: [], settings: {} }] : inbound.map(callOf);
    calls.forEach(({ inputs, settings }, call) => {
      const id = `${layer.name}:${call}`;
      const needs = inputs.map((one) => `${one.layer}:${one.node}`);
      nodes.set(id, { id, needs, layer, inputs, settings });
    });
    if (nodes.size > MOST.layers) throw damaged('too many layers', nodes.size);
  });
  const inputs = references(config.input_layers ?? []).map(({ layer }) => layer);
  const outputs = references(config.output_layers);
  if (inputs.length === 0 || outputs.length === 0)
    throw damaged('it has no inputs or no outputs', config.output_layers);
  return { nodes, inputs, outputs };
}

/** One application of a layer: Keras 2 lists outputs of other layers, Keras 3 the arguments of the call. */
function callOf(entry: unknown): { inputs: Reference[]; settings: Record<string, unknown> } {
  if (Array.isArray(entry)) {
    const list = entry.length > 0 && typeof entry[0] === 'string' ? [entry] : entry;
    const settings = list.map((one: unknown) => (Array.isArray(one) && isObject(one[3]) ? one[3] : {}));
    return { inputs: list.map(referenceOf), settings: Object.assign({}, ...settings) as Record<string, unknown> };
  }
  if (!isObject(entry) || !Array.isArray(entry.args)) throw damaged('the inputs of a layer', entry);
  const inputs: Reference[] = [];
  const others: Record<string, unknown> = {};
  // A layer of several inputs has them in a list.
  const visit = (one: unknown, depth: number): void => {
    if (Array.isArray(one) && depth < 4) for (const part of one) visit(part, depth + 1);
    else if (isObject(one) && one.class_name === '__keras_tensor__' && isObject(one.config))
      inputs.push(referenceOf(one.config.keras_history));
    else others[`argument ${JSON.stringify(one)?.slice(0, 40)}`] = one;
  };
  visit(entry.args, 0);
  const keywords = isObject(entry.kwargs) ? entry.kwargs : {};
  const set = Object.fromEntries(Object.entries(keywords).filter(([, value]) => value !== null));
  return { inputs, settings: { ...others, ...set } };
}

function referenceOf(entry: unknown): Reference {
  const [layer, node, tensor] = Array.isArray(entry) ? (entry as unknown[]) : [];
  if (typeof layer !== 'string' || !Number.isSafeInteger(node) || !Number.isSafeInteger(tensor))
    throw damaged('an input of a layer', entry);
  return { layer, node: node as number, tensor: tensor as number };
}

/** One output of a layer or a list of them. In Keras 3 it may be a record with names. */
function references(given: unknown): Reference[] {
  const list = isObject(given) ? Object.values(given) : given;
  if (!Array.isArray(list) || list.length > 1_024) throw damaged('its inputs or outputs', given);
  return typeof list[0] === 'string' ? [referenceOf(list)] : list.map(referenceOf);
}
