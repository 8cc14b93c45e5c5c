/** The names that the pickle of a PyTorch checkpoint may refer to, and the tensors and storages that it describes. */
import { InputError } from '../../errors.js';
import { brief } from '../brief.js';
import { ELEMENT_BYTES, type ElementType, toFloat32 } from '../weights/checkpoint.js';
import type { Globals } from './pickle_machine.js';
import { PyGlobal, PyObject, PyRecord } from './pickle_objects.js';
import { isRefused } from './refused_names.js';

/** A range of bytes that tensors are views of. The pickle does not contain the bytes, only their element type and key. */
export interface Storage {
  type: ElementType;
  key: string;
  /** The first element of the stored bytes under `key`, and the number of elements. */
  offset: number;
  count: number;
}

export class StoredTensor {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: number[],
    readonly strides: number[],
  ) {}
}

class NumpyType extends PyObject {
  isBigEndian = false;

  constructor(readonly type: unknown) {
    super();
  }

  /** The state is `(version, byte order, …)`. */
  override setState(state: unknown): void {
    this.isBigEndian = Array.isArray(state) && state[1] === '>';
  }
}

/** A numpy array. Its numbers are read from its state, unless the array is large or of an unsupported type. */
export class NumpyArray extends PyObject {
  numbers: number[] | undefined;

  /** The state is `(version, shape, type, whether the array is in column-major order, bytes)`. */
  override setState(state: unknown): void {
    const [, shape, type, , raw] = Array.isArray(state) ? state : [];
    const element = elementOf(type);
    if (element === undefined || !(raw instanceof Uint8Array) || raw.length > MAX_RAW_BYTES) return;
    if (!isSizes(shape) || shape.length > 1 || raw.length !== (shape[0] ?? 1) * ELEMENT_BYTES[element]) return;
    this.numbers = numbersIn(element, raw);
  }
}

const STORAGE_TYPES: Record<string, ElementType> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
  UntypedStorage: 'U8',
};

/**
 * Reads ids of objects outside the pickle. Those of storages are checked: each key must always have the same element type. In streams an id
 * may also have a class and the source code of its module, which is not read.
 */
export function storageTable(types: Map<string, ElementType>): (id: unknown) => Storage | PyGlobal {
  return (id) => {
    if (Array.isArray(id) && id[0] === 'module' && id[1] instanceof PyGlobal) return id[1];
    const storage = readStorageId(id);
    const known = types.get(storage.key) ?? storage.type;
    if (known !== storage.type)
      throw new InputError(`torch: storage '${storage.key}' has two types`, { given: `${known} and ${storage.type}` });
    types.set(storage.key, known);
    return storage;
  };
}

/** An id is `('storage', type, key, device, count)`. In streams it has a sixth part: `(view key, offset, count)` or None. */
function readStorageId(id: unknown): Storage {
  const [tag, type, key, , count, part] = Array.isArray(id) ? id : [];
  const elementType = type instanceof PyGlobal ? STORAGE_TYPES[type.name.split('.').pop()!] : undefined;
  const offset = Array.isArray(part) ? part[1] : 0;
  const length = Array.isArray(part) ? part[2] : count;
  if (tag !== 'storage' || elementType === undefined || typeof key !== 'string' || !isSize(offset) || !isSize(length))
    throw new InputError('torch: a storage is not described as torch does it', { given: brief(id) });
  return { type: elementType, key, offset, count: length };
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= 32 && value.every(isSize);
const isStorage = (value: unknown): value is Storage => typeof value === 'object' && value !== null && 'count' in value;

/** What a name of the pickle stands for: a function that makes a value from the arguments of a call, or null if it cannot be called. */
type Known = readonly [name: string, call: ((args: unknown[]) => unknown) | null];

/** The names that do not become inert records. Their functions only make plain values from their arguments. */
const knownGlobals = (): Known[] => [
  ...TENSORS,
  ...collections(),
  ...OBJECTS,
  ...NUMPY,
  ...SETTINGS.map((type): Known => [type, () => new PyObject()]),
  ...paths(),
  ...types(),
];

function rebuildTensor([storage, offset, shape, strides]: unknown[]): StoredTensor {
  if (!isStorage(storage) || !isSize(offset) || !isSizes(shape) || !isSizes(strides) || shape.length !== strides.length)
    throw new InputError('torch: a tensor is not described as torch does it', {
      given: brief([offset, shape, strides]),
    });
  return new StoredTensor(storage, offset, shape, strides);
}

function rebuildFromType([rebuild, , args]: unknown[]): StoredTensor {
  if (!(rebuild instanceof PyGlobal) || rebuild.call !== rebuildTensor || !Array.isArray(args))
    throw new InputError('torch: a tensor is not made as torch does it', { given: brief(rebuild) });
  return rebuildTensor(args);
}

const TENSORS: readonly Known[] = [
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_parameter', ([tensor]) => tensor],
  ['torch._utils._rebuild_parameter_with_state', ([tensor]) => tensor],
  // Up to PyTorch 0.3 a parameter was an object around its tensor.
  ['torch.nn.parameter.Parameter', ([tensor]) => tensor],
  ['torch.autograd.variable.Variable', ([tensor]) => tensor],
  // A tensor that has attributes of its own names the function that makes it.
  ['torch._tensor._rebuild_from_type_v2', rebuildFromType],
];

function list([items = []]: unknown[]): unknown[] {
  if (!Array.isArray(items))
    throw new InputError('torch: a sequence is made of something other than a list', { given: brief(items) });
  return items;
}

function collections(): Known[] {
  // The number of items that all calls together may copy. A pickle needs only two bytes to pass a long list to another call.
  let room = 1_000_000;
  const spend = (count: number) => {
    room -= count;
    if (room < 0) throw new InputError('torch: the checkpoint makes endless copies of its lists');
  };
  const dict = ([items = []]: unknown[]) => {
    spend(items instanceof Map ? items.size : Array.isArray(items) ? items.length : 0);
    const pairs = items instanceof Map ? [...items] : items;
    if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2))
      throw new InputError('torch: a dict is made of something other than pairs', { given: brief(items) });
    return new Map(pairs as [unknown, unknown][]);
  };
  const set = (args: unknown[]) => {
    const items = list(args);
    spend(items.length);
    return new Set(items);
  };
  return [
    ['collections.OrderedDict', dict],
    ['collections.Counter', dict],
    ['collections.defaultdict', ([, items]) => dict([items])],
    ['torch.Size', list],
    ...PYTHON.flatMap((python): Known[] => [
      [`${python}.set`, set],
      [`${python}.frozenset`, set],
      [`${python}.tuple`, list],
    ]),
  ];
}

/** Python's own types are in a module whose name is another one in Python 2. */
const PYTHON = ['builtins', '__builtin__'];

function newObject([type]: unknown[]): unknown {
  if (!(type instanceof PyGlobal) || type.call === undefined)
    throw new InputError('torch: an object is made of something other than a class', { given: brief(type) });
  return type.call([]);
}

const OBJECTS: readonly Known[] = [
  // With these, protocols 0 and 1 make an object of a class.
  ['copyreg._reconstructor', newObject],
  ['copy_reg._reconstructor', newObject],
  ['torch.device', () => null],
  ['_codecs.encode', encodeLatin1],
];

const NUMPY: readonly Known[] = [
  ['numpy.dtype', ([name]) => new NumpyType(name)],
  ['numpy.ndarray', null],
  ['numpy.core.multiarray._reconstruct', () => new NumpyArray()],
  ['numpy._core.multiarray._reconstruct', () => new NumpyArray()],
  ['numpy.core.multiarray.scalar', numpyScalar],
  ['numpy._core.multiarray.scalar', numpyScalar],
];

/** Classes in which training scripts store their arguments. Attributes are read like the entries of a dict. */
const SETTINGS = [
  'argparse.Namespace',
  'types.SimpleNamespace',
  'easydict.EasyDict',
  'yacs.config.CfgNode',
  'pytorch_lightning.utilities.parsing.AttributeDict',
  'lightning_fabric.utilities.data.AttributeDict',
  'lightning.fabric.utilities.data.AttributeDict',
];

/** Paths become texts. */
function paths(): Known[] {
  const path = (parts: unknown[]) => {
    const isPath = parts.length <= 64 && parts.every((part) => typeof part === 'string' && part.length <= 1024);
    return isPath ? parts.join('/') : null;
  };
  const types = ['PosixPath', 'WindowsPath', 'PurePosixPath', 'PureWindowsPath'];
  return ['pathlib', 'pathlib._local'].flatMap((home) => types.map((type): Known => [`${home}.${type}`, path]));
}

/** Types that are only named: those of storages, of elements, and Python's own. */
function types(): Known[] {
  const elements = 'float32 float16 bfloat16 float64 int64 int32 int16 int8 uint8 bool'.split(' ');
  const storages = Object.keys(STORAGE_TYPES).flatMap((type) => [type, `cuda.${type}`, `storage.${type}`]);
  const own = PYTHON.flatMap((python) => ['int', 'float', 'list', 'dict'].map((type) => `${python}.${type}`));
  return [...[...elements, ...storages].map((type) => `torch.${type}`), ...own].map((name): Known => [name, null]);
}

/** All names that a checkpoint may refer to: plain values, tensors, and inert records for every other class. */
export function torchGlobals(): Globals {
  const known = new Map(knownGlobals());
  return {
    get(name) {
      const own = known.get(name);
      if (own !== undefined || isRefused(name)) return own;
      return (args) => new PyRecord(name, args);
    },
  };
}

/** The most bytes of an array that is read as a setting. Larger ones, such as a confusion matrix, are skipped. */
const MAX_RAW_BYTES = 1024;

// Protocol 2 writes bytes as a call of this function. In checkpoints only numpy's scalars and arrays contain bytes.
function encodeLatin1([text]: unknown[]): Uint8Array {
  if (typeof text !== 'string')
    throw new InputError('torch: bytes are made of something other than text', { given: brief(text) });
  return Uint8Array.from(text.slice(0, MAX_RAW_BYTES + 1), (character) => character.charCodeAt(0));
}

/** The element type for a numpy type; undefined if it is big-endian or not supported. */
function elementOf(type: unknown): ElementType | undefined {
  const names: Record<string, ElementType> = { f8: 'F64', f4: 'F32', i8: 'I64', i4: 'I32', b1: 'BOOL' };
  if (!(type instanceof NumpyType) || type.isBigEndian || typeof type.type !== 'string') return undefined;
  return Object.hasOwn(names, type.type) ? names[type.type] : undefined;
}

function numbersIn(element: ElementType, bytes: Uint8Array): number[] {
  if (element !== 'F64') return [...toFloat32(element, bytes)];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 8 }, (_, index) => view.getFloat64(index * 8, true));
}

function numpyScalar([type, raw]: unknown[]): unknown {
  const bytes = typeof raw === 'string' ? encodeLatin1([raw]) : raw;
  const element = elementOf(type);
  if (element === undefined || !(bytes instanceof Uint8Array) || bytes.length !== ELEMENT_BYTES[element]) return null;
  return numbersIn(element, bytes)[0];
}
