/**
 * Reads networks that were saved whole, `torch.save(model)`: the settings of their modules, and their tensors under the names that a state
 * dict would give them. The pickle only has the names of the classes, so a module is recognised by the three attributes in which PyTorch
 * stores parts, parameters and buffers.
 */
import { InputError } from '../../errors.js';
import type { SavedModule, SavedValue } from '../weights/checkpoint.js';
import { StoredTensor } from './globals.js';
import { PyGlobal, PyRecord } from './pickle_objects.js';

/**
 * Limits for a network. They are needed because in a pickle a module can be a part of several others, or of itself. DenseNet-169 has 600
 * modules.
 */
const MAX_MODULES = 20_000;
const MAX_DEPTH = 64;
/** Limits for the settings of one module: attributes, items of a list, characters of a text. */
const MAX_SETTINGS = 64;
const MAX_ITEMS = 64;
const MAX_TEXT = 200;

/** The tensors of a network that was saved whole, by name, with the network's modules and attributes. */
export class NetworkTensors extends Map<unknown, unknown> {
  readonly modules = new Map<string, SavedModule>();
  /** Attributes of the network itself. They may be settings, such as names of classes. */
  readonly attributes: Map<unknown, unknown>[] = [];
}

const isModule = (value: unknown): value is PyRecord =>
  value instanceof PyRecord && ['_modules', '_parameters', '_buffers'].every((part) => value.get(part) instanceof Map);

/**
 * Replaces modules by their tensors: the value itself, those in a dict, and the one in a list with one module. Other values are returned
 * unchanged.
 */
export function withTensors(value: unknown): unknown {
  if (isModule(value)) return tensorsOf(value);
  if (Array.isArray(value)) {
    const networks = value.slice(0, MAX_ITEMS).filter((item) => isModule(item) || item instanceof Map);
    return networks.length === 1 ? withTensors(networks[0]) : value;
  }
  if (!(value instanceof Map) || ![...value.values()].some(isModule)) return value;
  return new Map([...value].map(([key, item]) => [key, isModule(item) ? tensorsOf(item) : item]));
}

function tensorsOf(root: PyRecord): NetworkTensors {
  const found = new NetworkTensors();
  const visit = (module: PyRecord, prefix: string, depth: number, isWhole: boolean) => {
    if (depth > MAX_DEPTH || found.modules.size >= MAX_MODULES)
      throw new InputError('torch: the network has too many modules, or one that is a part of itself', {
        expected: `at most ${MAX_MODULES}, in ${MAX_DEPTH} levels`,
      });
    const parts = partsOf(module);
    found.modules.set(prefix.replace(/\.$/, ''), {
      type: module.type,
      settings: settingsOf(module),
      code: codeOf(module),
      children: [...parts.keys()],
    });
    if (isWhole) found.attributes.push(plainAttributes(module));
    const hidden = module.get('_non_persistent_buffers_set');
    for (const group of ['_parameters', '_buffers'])
      for (const [name, tensor] of module.get(group) as Map<unknown, unknown>)
        if (tensor instanceof StoredTensor && !(hidden instanceof Set && hidden.has(name)))
          found.set(`${prefix}${name}`, tensor);
    // The network may be the only part of something around it, such as a DataParallel.
    for (const [name, part] of parts) visit(part, `${prefix}${name}.`, depth + 1, isWhole && parts.size === 1);
  };
  visit(root, '', 0, true);
  return found;
}

function partsOf(module: PyRecord): Map<string, PyRecord> {
  const parts = new Map<string, PyRecord>();
  for (const [name, part] of module.get('_modules') as Map<unknown, unknown>) {
    // A part that was removed (set to None in Python) still has an entry, which is null.
    if (part === null) continue;
    if (!isModule(part))
      throw new InputError(`torch: the network's part ${String(name).slice(0, 80)} is not a module`, {
        given: part instanceof PyRecord ? part.type : typeof part,
        hint: "save its weights alone: torch.save({'state_dict': model.state_dict()}, path)",
      });
    parts.set(String(name), part);
  }
  return parts;
}

/** The hooks of a module that run before or after it and may change its result. Hooks of the backward pass do not matter here. */
const codeOf = (module: PyRecord) => [
  ...['_forward_pre_hooks', '_forward_hooks'].filter((name) => {
    const hooks = module.get(name);
    return hooks instanceof Map && hooks.size > 0;
  }),
  ...(module.has('forward') ? ['forward'] : []),
];

/** The attributes that the script has set. Those that PyTorch itself gives every module begin with an underscore. */
const plainAttributes = (module: PyRecord) =>
  new Map([...module].filter(([name]) => typeof name === 'string' && !/^(_|training$|forward$)/.test(name)));

function settingsOf(module: PyRecord): Record<string, SavedValue> {
  const settings: Record<string, SavedValue> = {};
  let count = 0;
  for (const [name, value] of module) {
    if (
      typeof name !== 'string' ||
      /^_(modules|parameters|buffers|non_persistent|backward|forward|state|load)/.test(name)
    )
      continue;
    const saved = savedValue(value, 2);
    if (saved === undefined) continue;
    if (++count > MAX_SETTINGS) break;
    settings[name.slice(0, MAX_TEXT)] = saved;
  }
  return settings;
}

function savedValue(value: unknown, depth: number): SavedValue | undefined {
  if (typeof value === 'string') return value.slice(0, MAX_TEXT);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof PyGlobal) return value.name;
  if (!Array.isArray(value) || depth === 0 || value.length > MAX_ITEMS) return undefined;
  const items = value.map((item) => savedValue(item, depth - 1));
  return items.includes(undefined) ? undefined : (items as SavedValue[]);
}
