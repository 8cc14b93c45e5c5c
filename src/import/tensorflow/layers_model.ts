/** Translates layers models: a Keras configuration with layers and their connections, and weights by the names of layers. */
import { firstFew, InputError } from '../../errors.js';
import { brief } from '../../formats/brief.js';
import type { Constant, PlainInput, PlainModel } from '../plain.js';
import { type Builder, createBuilder, emit, inOrder } from './builder.js';
import { input, type LayerValue, refusal } from './layer_config.js';
import { LAYERS } from './layer_rows.js';
import { type Layers, layersOf, type Node, type Reference } from './layers_graph.js';
import { createWeightNames, type WeightNames } from './weight_names.js';

/** The state of the translation while the layers are added one by one. */
interface Reading {
  readonly builder: Builder;
  readonly weights: WeightNames;
  readonly isKeras3: boolean;
  readonly inputs: PlainInput[];
  /** The largest factor of a layer that scales the image itself. */
  scale?: number;
}

export interface LayersModel {
  readonly model: PlainModel;
  /** The factor by which the network itself scales the pixels of its image, if it has a layer for that. */
  readonly scale?: number;
}

/** The largest depth of models within models. */
const MOST_NESTED = 16;

/**
 * The network of a layers model, with ONNX's operators.
 * @throws InputError that names the layer that raybox cannot run, or whose weights are missing or have another shape
 */
export function readLayersModel(
  config: unknown,
  weights: ReadonlyMap<string, Constant>,
  version: unknown,
): LayersModel {
  const reading: Reading = {
    ...{ builder: createBuilder(), weights: createWeightNames(weights), inputs: [] },
    isKeras3: typeof version === 'string' && version.startsWith('3'),
  };
  const layers = layersOf(config);
  const values = addModel(reading, layers, undefined, [], 0);
  const unread = reading.weights.unread(layers.allNames);
  if (unread.length > 0)
    throw new InputError('tensorflow: the model has weights that no layer reads', {
      given: firstFew(
        unread.map((name) => name.slice(0, 80)),
        4,
      ),
      hint: 'are model.json and the files of the weights of one model?',
    });
  const { builder, inputs, scale } = reading;
  const model: PlainModel = {
    ...{ format: 'tensorflow', nodes: builder.nodes, constants: builder.constants, inputs, metadata: {} },
    outputs: values.map(({ name, rank }) => ({ name, type: 'F32', shape: new Array<undefined>(rank).fill(undefined) })),
  };
  return { model, ...(scale === undefined ? {} : { scale }) };
}

/**
 * Adds the layers of a model. @param given its inputs, if it is a layer of another model
 * @returns its outputs
 */
function addModel(
  reading: Reading,
  layers: Layers,
  given: readonly LayerValue[] | undefined,
  path: readonly string[],
  depth: number,
): LayerValue[] {
  if (depth > MOST_NESTED)
    throw new InputError('tensorflow: models are nested too deeply', { expected: `at most ${MOST_NESTED} levels` });
  const values = new Map<string, LayerValue>();
  if (given && layers.inputs.length !== given.length)
    throw new InputError(`tensorflow: the model ${brief(path.at(-1))} is applied to ${given.length} inputs`, {
      expected: `${layers.inputs.length}`,
    });
  const origins = new Map(layers.inputs.map((name, i) => [name, i]));
  const read = ({ layer, node, tensor }: Reference, from: string): LayerValue => {
    const value = values.get(`${layer}:${node}:${tensor}`);
    if (value) return value;
    throw new InputError(
      `tensorflow: the layer '${from.slice(0, 120)}' reads an output that '${layer.slice(0, 120)}' does not have`,
    );
  };
  for (const node of inOrder(
    layers.nodes,
    layers.outputs.map(({ layer, node }) => `${layer}:${node}`),
  )) {
    const at = origins.get(node.layer.name);
    const isInput = node.layer.kind === 'InputLayer' || (at !== undefined && node.inputs.length === 0);
    const own = node.inputs.map((reference) => read(reference, node.layer.name));
    if (isInput) {
      if (given && at === undefined)
        throw new InputError(`tensorflow: '${brief(node.layer.name)}' is not an input of its model`);
      values.set(`${node.id}:0`, given ? given[at as number] : imageInput(reading, node));
      continue;
    }
    addLayer(reading, node, own, path, depth).forEach((value, i) => {
      values.set(`${node.id}:${i}`, value);
    });
  }
  return layers.outputs.map((reference) => read(reference, 'the model'));
}

function imageInput({ inputs }: Reading, { layer }: Node): LayerValue {
  const { config, name } = layer;
  const shape = config.batch_input_shape ?? config.batch_shape;
  if (!Array.isArray(shape) || shape.length > 8)
    throw new InputError(`tensorflow: the input '${name.slice(0, 120)}' has no shape`, { given: brief(shape) });
  const sizes = shape.map((size) => (Number.isSafeInteger(size) && size >= 1 ? (size as number) : undefined));
  const type = { float32: 'F32', float16: 'F16', uint8: 'U8', int32: 'U8' }[String(config.dtype ?? 'float32')];
  // Layers may be called like the input of the model around them, so inputs have a name of their own.
  const own = `${name} (input)`;
  if (!inputs.some((one) => one.name === own))
    inputs.push({ name: own, type: type ?? String(config.dtype).slice(0, 40), shape: sizes });
  return { name: own, rank: shape.length };
}

function addLayer(
  reading: Reading,
  node: Node,
  inputs: readonly LayerValue[],
  path: readonly string[],
  depth: number,
): LayerValue[] {
  const { kind, name, config, nested } = node.layer;
  const { builder, weights, isKeras3 } = reading;
  if (nested) return addModel(reading, nested, inputs, [...path, name], depth + 1);
  const full = [...path, name].join('/');
  const step = { origin: `tensorflow: ${kind.slice(0, 60)} '${full.slice(-120)}'`, name: full };
  const layer = Object.hasOwn(LAYERS, kind) ? LAYERS[kind] : undefined;
  if (!layer) throw unknown(kind, step.origin);
  const output = `${full} → ${builder.nodes.length}`;
  const call = {
    ...{ builder, step, kind, config, inputs, output, isKeras3 },
    weight: (own: string) => weights.find([...path, name], own),
    rescaled(scale: number) {
      if (inputs[0] && reading.inputs.some((one) => one.name === inputs[0].name)) reading.scale = scale;
    },
  };
  const setting = Object.keys(node.settings).find((key) => !['training', 'mask'].includes(key));
  if (setting !== undefined) throw refusal(call, `it is called with ${setting.slice(0, 60)}`);
  const rank = layer(call);
  // Some layers add no node, such as a linear activation. The output then needs an Identity.
  if (!builder.producers.has(output)) emit(builder, step, 'Identity', [input(call).name], {}, output);
  return [{ name: output, rank }];
}

function unknown(kind: string, origin: string): InputError {
  const isLambda = /Lambda/.test(kind);
  return new InputError(`${origin}: raybox does not have this layer`, {
    hint: isLambda
      ? 'its code is not in the file: replace it by layers before the model is saved, or write the model as ONNX with tf2onnx'
      : 'write the model as ONNX with tf2onnx, if it is a classifier of images',
  });
}
