/** Reads the weights of a model that Keras saved. Their names are those of the layers and their own: `model/layer/kernel`. */
import { InputError } from '../../errors.js';
import { isObject } from '../../formats/checks.js';
import type { Hdf5Data, Hdf5Object } from '../../formats/hdf5/hdf5.js';
import { elementCount, toFloat32 } from '../../formats/weights/checkpoint.js';
import type { Constant } from '../plain.js';
import { MODELS } from './layers_graph.js';

type Config = Readonly<Record<string, unknown>>;

/** A file with more weights is refused. */
const MOST_WEIGHTS = 32_768;

/** The names of the weights of Keras' layers, in the order in which Keras saves them. */
const NAMES: Readonly<Record<string, (config: Config) => string[]>> = {
  Conv2D: (config) => ['kernel', ...bias(config)],
  DepthwiseConv2D: (config) => ['kernel', ...bias(config)],
  SeparableConv2D: (config) => ['depthwise_kernel', 'pointwise_kernel', ...bias(config)],
  Dense: (config) => ['kernel', ...bias(config)],
  BatchNormalization: (config) => [...norm(config), 'moving_mean', 'moving_variance'],
  LayerNormalization: (config) => norm(config),
  PReLU: () => ['alpha'],
  Normalization: (config) => (config.mean === undefined || config.mean === null ? ['mean', 'variance', 'count'] : []),
};

const bias = ({ use_bias: given }: Config) => (given === false ? [] : ['bias']);
const norm = ({ scale, center }: Config) => [
  ...(scale === false ? [] : ['gamma']),
  ...(center === false ? [] : ['beta']),
];

/** A layer as a configuration lists it. */
interface Entry {
  readonly kind: string;
  readonly name: string;
  readonly config: Config;
  /** The whole entry. For a nested model it is the configuration of that model. */
  readonly whole: unknown;
  /** Only layers are saved. Operations between layers (`x + y`) have no weights, and are not counted among the saved layers. */
  readonly isLayer: boolean;
}

function entriesOf(model: unknown): Entry[] {
  const config = isObject(model) ? model.config : undefined;
  const list = isObject(config) ? config.layers : config;
  if (!Array.isArray(list)) return [];
  return list.filter(isObject).map((entry) => {
    const own = isObject(entry.config) ? entry.config : {};
    const name = entry.name ?? own.name;
    return {
      ...{ kind: String(entry.class_name), name: typeof name === 'string' ? name : '', config: own, whole: entry },
      isLayer: typeof entry.module !== 'string' || !entry.module.includes('.ops'),
    };
  });
}

/**
 * Weights of model.save('model.h5'): a group for each layer of the model, which lists the names of its weights. A model within the model is
 * one layer, with the weights of all its layers.
 */
export function h5Weights(model: unknown, root: Hdf5Object): Map<string, Constant> {
  const weights = new Map<string, Constant>();
  const models = new Set(entriesOf(model).flatMap(({ kind, name }) => (MODELS.includes(kind) ? [name] : [])));
  for (const layer of listed(root, 'layer_names') ?? []) {
    const group = root.get(layer);
    if (!group) throw missing(`the layer ${layer}`);
    for (const path of listed(group, 'weight_names') ?? []) {
      const data = path
        .split('/')
        .reduce((object: Hdf5Object | undefined, part) => (part === '' ? object : object?.get(part)), group)?.data;
      if (!data) throw missing(path);
      const own = path.slice(path.lastIndexOf('/') + 1);
      const isWithin = path.startsWith(`${layer}/`);
      add(weights, models.has(layer) ? (isWithin ? path : `${layer}/${path}`) : `${layer}/${own}`, data);
    }
  }
  return weights;
}

/** A list of names in an attribute. A long list is split into several attributes, whose names end with numbers. */
function listed(group: Hdf5Object, name: string): string[] | undefined {
  const whole = group.texts(name);
  if (whole) return whole;
  const parts: string[] = [];
  for (let i = 0; i < MOST_WEIGHTS; i++) {
    const part = group.texts(`${name}${i}`);
    if (!part) return i === 0 ? undefined : parts;
    parts.push(...part.slice(0, MOST_WEIGHTS));
    if (parts.length > MOST_WEIGHTS) throw tooMany();
  }
  return parts;
}

/**
 * Weights of a `.keras` archive: the model's groups have the groups of its layers, and those have their weights by number. A group is called
 * after the layer's class, and has the layer's name in an attribute where Keras is new enough.
 */
export function archiveWeights(model: unknown, root: Hdf5Object): Map<string, Constant> {
  const weights = new Map<string, Constant>();
  addModel(weights, model, root, []);
  return weights;
}

/** The largest depth of models within models. */
const MOST_NESTED = 16;

function addModel(weights: Map<string, Constant>, model: unknown, group: Hdf5Object, path: readonly string[]): void {
  const layers = group.get('layers') ?? group.get('_layer_checkpoint_dependencies');
  if (!layers || path.length > MOST_NESTED) return;
  const entries = entriesOf(model).filter(({ isLayer }) => isLayer);
  const groups = groupsOf(layers, entries);
  for (const { kind, name, config, whole } of entries) {
    const own = groups.get(name);
    if (!own) continue;
    if (MODELS.includes(kind)) addModel(weights, whole, own, [...path, name]);
    else addLayer(weights, kind, config, own, [...path, name]);
  }
}

/** The group of each layer, by the layer's name. */
function groupsOf(layers: Hdf5Object, entries: readonly Entry[]): Map<string, Hdf5Object> {
  const named = new Map<string, Hdf5Object>();
  const members = layers.names.slice(0, MOST_WEIGHTS).map((name) => layers.get(name)!);
  for (const member of members) {
    const name = member.get('vars')?.texts('name')?.[0];
    if (name !== undefined) named.set(name, member);
  }
  if (named.size === members.length) return named;
  // Earlier versions of Keras 3 say only the class, with a number from the second layer of that class on.
  const counts = new Map<string, number>();
  const byClass = new Map<string, Hdf5Object>();
  for (const { kind, name } of entries) {
    const base = snakeCase(kind);
    const count = counts.get(base) ?? 0;
    counts.set(base, count + 1);
    const member = layers.get(count === 0 ? base : `${base}_${count}`);
    if (member) byClass.set(name, member);
  }
  return byClass;
}

/** A class's name as Keras writes it: `SeparableConv2D` is separable_conv2d, `PReLU` is p_re_lu. */
const snakeCase = (name: string): string =>
  name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

function addLayer(
  weights: Map<string, Constant>,
  kind: string,
  config: Config,
  group: Hdf5Object,
  path: readonly string[],
): void {
  const vars = group.get('vars');
  const count = vars?.names.length ?? 0;
  if (!vars || count === 0) return;
  const names = Object.hasOwn(NAMES, kind) ? NAMES[kind](config) : [];
  const origin = `tensorflow: ${kind.slice(0, 60)} '${path.join('/').slice(-120)}'`;
  if (names.length === 0) throw new InputError(`${origin}: raybox does not have this layer, or not with weights`);
  if (names.length !== count)
    throw new InputError(`${origin}: its weights are not those of such a layer`, {
      expected: names.join(', '),
      given: `${count}`,
      hint: 'a quantised layer, or one with LoRA, has to be saved as float32, and merged, first',
    });
  names.forEach((own, i) => {
    const data = vars.get(String(i))?.data;
    if (!data) throw missing(`${path.join('/')}/${own}`);
    add(weights, `${path.join('/')}/${own}`, data);
  });
}

function add(weights: Map<string, Constant>, name: string, data: Hdf5Data): void {
  const whole = name.replace(/:\d+$/, '');
  const what = `keras: weight ${whole.slice(-120)}`;
  if (weights.has(whole)) throw new InputError(`${what} is there twice`);
  if (weights.size >= MOST_WEIGHTS) throw tooMany();
  const { shape, type } = data;
  const count = elementCount([...shape], what);
  if (!type)
    throw new InputError(`${what}: raybox does not read its type`, {
      expected: 'little-endian float32, float16, float64, bfloat16 or whole numbers',
    });
  const bytes = data.read();
  const isInteger = !/F/.test(type);
  const values = () => (isInteger ? Float64Array.from(toFloat32(type, bytes)) : toFloat32(type, bytes));
  weights.set(whole, { shape, type: isInteger ? type : 'F32', count, values });
}

const missing = (what: string) =>
  new InputError('keras: the file lacks weights that it lists', { given: what.slice(-200) });
const tooMany = () => new InputError('keras: the model has too many weights', { expected: `at most ${MOST_WEIGHTS}` });
