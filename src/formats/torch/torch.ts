/**
 * Reads PyTorch checkpoints: the zip archives that torch.save writes since PyTorch 1.6, and the older stream of pickles and raw storages,
 * which many `.pth.tar` files of this field have. No code in them is run; see pickle.ts.
 */
import { InputError } from '../../errors.js';
import { brief } from '../brief.js';
import { type ByteRange, type Parts, partsOf, readPart } from '../parts.js';
import { noTorchArchive } from '../refused_format.js';
import {
  type Checkpoint,
  ELEMENT_BYTES,
  type ElementType,
  elementCount,
  type TensorData,
} from '../weights/checkpoint.js';
import type { TensorIn } from '../weights/file_tensors.js';
import { openZip, type ZipEntry } from '../zip.js';
import { StoredTensor, storageTable, torchGlobals } from './globals.js';
import { NetworkTensors, withTensors } from './modules.js';
import { unpickle } from './pickle.js';
import { latin1 } from './pickle_reader.js';
import { isNetwork, type NumbersOf, settingsOf, TRAINING_STATE } from './settings.js';
import { storedTensors } from './stored_tensors.js';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
// Keys under which training scripts store the state dict, next to the epoch, the optimizer and so on.
const STATE_DICT_KEYS = ['state_dict', 'model_state_dict', 'model_state', 'model', 'net', 'network', 'weights'];
const MAX_NESTING = 4;
/** The most elements of a tensor that is read as a setting, such as the mean or standard deviation of each channel. */
const MAX_SETTING = 16;

/** The entries of a zip archive, and how the tensors in it are made. */
export interface Archive {
  readonly entries: ReadonlyMap<string, ZipEntry>;
  readonly tensorIn: TensorIn;
}

/** Reads a checkpoint whose bytes are in memory, as `openTorch` does. */
export const readTorch = (bytes: Uint8Array, prefix?: string): Checkpoint => openTorch(partsOf(bytes), prefix);

/**
 * Reads the state dict of a checkpoint as float32 tensors. Other values of the checkpoint (epoch, arguments, names of classes) become
 * metadata; see `settingsOf`. All bytes of the tensors are checked by the archive's CRC-32, but they stay in the file until they are needed.
 * @param prefix the name of the dict to read, if the file has several. A prefix that is not the name of a dict is ignored here, because it
 *   may be the beginning of the tensors' names.
 * @param archive of a zip archive whose entries were checked before
 * @throws InputError for a damaged file, or with the name of the first object that is neither a tensor nor a plain Python value
 */
export function openTorch(file: Parts, prefix?: string, archive?: Archive): Checkpoint {
  const [first, second] = readPart(file, 0, Math.min(2, file.size));
  const { root, storagePlace } =
    first === 0x50 && second === 0x4b ? readArchive(archive?.entries ?? openZip(file)) : readStream(file);
  const { stateDict, dicts, ...rest } = findStateDict(root, prefix?.replace(/\.$/, ''));
  const { modules, attributes = [] } = stateDict instanceof NetworkTensors ? stateDict : {};

  const tensorOf = storedTensors(file, storagePlace, archive?.tensorIn);
  // A tensor may repeat the elements of its storage (`expand`). The limit prevents a small file from filling the memory in this way.
  let budget = 2 * file.size + 65536;
  const tensors = new Map<string, TensorData>();
  for (const [name, value] of stateDict) {
    if (!(value instanceof StoredTensor)) continue;
    if (typeof name !== 'string') throw new InputError('torch: a tensor has no name', { given: brief(name) });
    budget -= elementCount(value.shape, `torch: '${name}'`);
    if (budget < 0) throw new InputError('torch: the tensors are far larger than the file', { given: `'${name}'` });
    tensors.set(name, tensorOf(`torch: '${name}'`, value));
  }
  const numbersOf: NumbersOf = (tensor) =>
    elementCount(tensor.shape, 'torch: a setting') > MAX_SETTING
      ? undefined
      : [...tensorOf('torch: a setting', tensor).data];
  const metadata = settingsOf([...dicts, ...attributes], numbersOf);
  return { tensors, metadata, ...(modules ? { modules } : {}), ...rest };
}

/** The unpickled object, and a function that returns the place of a storage in the file, after its bytes were checked. */
interface Contents {
  root: unknown;
  storagePlace: (key: string) => ByteRange | undefined;
}

function readArchive(entries: ReadonlyMap<string, ZipEntry>): Contents {
  refuseProgram([...entries.keys()]);
  const main = [...entries.keys()].find((name) => /^([^/]+\/)?data\.pkl$/.test(name));
  if (main === undefined) throw noTorchArchive([...entries.keys()]);
  const folder = main.slice(0, -'data.pkl'.length);
  const order = entries.get(`${folder}byteorder`)?.read();
  if (order !== undefined && latin1(order.subarray(0, 16)).trim() !== 'little') throw bigEndian();

  const { value } = unpickle(entries.get(main)!.read(), {
    globals: torchGlobals(),
    persistentLoad: storageTable(new Map()),
  });
  return { root: value, storagePlace: (key) => entries.get(`${folder}data/${key}`)?.place() };
}

/** Files of PyTorch that contain a program instead of a dict of tensors. */
const PROGRAMS: readonly { is: RegExp; what: string; open: string }[] = [
  {
    is: /(^|\/)(constants\.pkl|bytecode\.pkl|code\/.*\.py)$/,
    what: 'a TorchScript program (torch.jit.save)',
    open: 'torch.jit.load(FILE)',
  },
  {
    is: /(^|\/)(serialized_exported_program\.json|models\/[^/]+\.json)$/,
    what: 'an exported program (torch.export.save)',
    open: 'torch.export.load(FILE)',
  },
];

function refuseProgram(names: readonly string[]): void {
  const program = PROGRAMS.find(({ is }) => names.some((name) => is.test(name)));
  if (program)
    throw new InputError(`torch: this is ${program.what}, not a checkpoint`, {
      expected: 'a state dict that torch.save wrote, or safetensors',
      given: names
        .filter((name) => program.is.test(name))
        .slice(0, 3)
        .join(', '),
      hint: `nothing of it was run; save its weights alone, torch.save(${program.open}.state_dict(), 'weights.pth'), or export the network: torch.onnx.export(${program.open}, image, 'model.onnx')`,
    });
}

/** Nothing says where the pickles of a stream end, so it is read as a whole. */
function readStream(file: Parts): Contents {
  const bytes = readPart(file, 0, file.size);
  const plain = { globals: new Map() };
  const magic = unpickle(bytes, plain);
  if (magic.value !== MAGIC)
    throw new InputError('torch: no checkpoint', { expected: "torch.save's magic number", given: brief(magic.value) });
  const protocol = unpickle(bytes, { ...plain, start: magic.end });
  if (protocol.value !== PROTOCOL)
    throw new InputError('torch: unknown stream protocol', { expected: `${PROTOCOL}`, given: brief(protocol.value) });
  const system = unpickle(bytes, { ...plain, start: protocol.end });
  if (system.value instanceof Map && system.value.get('little_endian') === false) throw bigEndian();

  const types = new Map<string, ElementType>();
  const { value: root, end } = unpickle(bytes, {
    globals: torchGlobals(),
    persistentLoad: storageTable(types),
    start: system.end,
  });
  const keys = unpickle(bytes, { ...plain, start: end });
  if (!Array.isArray(keys.value))
    throw new InputError('torch: the list of storages is missing', { given: brief(keys.value) });

  const storages = new Map<string, ByteRange>();
  let at = keys.end;
  for (const key of keys.value) {
    const type = types.get(key);
    if (type === undefined) throw new InputError(`torch: storage ${brief(key)} belongs to no tensor`);
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, Math.min(8, bytes.length - at));
    const count = view.byteLength === 8 ? Number(view.getBigInt64(0, true)) : -1;
    const length = count * ELEMENT_BYTES[type];
    if (count < 0 || length > bytes.length - at - 8)
      throw new InputError(`torch: storage '${key}' is cut`, {
        expected: count < 0 ? 'its size' : `${length} bytes`,
        given: `${Math.max(0, bytes.length - at - 8)} bytes`,
        hint: 'the file is incomplete: download or copy it again',
      });
    storages.set(key, { start: at + 8, end: at + 8 + length });
    at += 8 + length;
  }
  return { root, storagePlace: (key) => storages.get(key) };
}

function bigEndian(): InputError {
  return new InputError('torch: the checkpoint is big-endian', { hint: 'save it again on a little-endian machine' });
}

interface Found extends Pick<Checkpoint, 'choice' | 'taken'> {
  stateDict: Map<unknown, unknown>;
  /** The state dict and all dicts around it. Their values that are not tensors may be settings. */
  dicts: Map<unknown, unknown>[];
}

function findStateDict(root: unknown, wanted: string | undefined): Found {
  const dicts: Map<unknown, unknown>[] = [];
  const done = (stateDict: Map<unknown, unknown>, more: Pick<Checkpoint, 'choice' | 'taken'> = {}): Found => ({
    stateDict,
    dicts: dicts.includes(stateDict) ? dicts : [...dicts, stateDict],
    ...more,
  });
  let level = withTensors(root);
  for (let depth = 0; level instanceof Map && depth < MAX_NESTING; depth++) {
    const dict: Map<unknown, unknown> = level;
    if (dict instanceof NetworkTensors) return done(dict);
    dicts.push(dict);
    const chosen = wanted === undefined ? undefined : dict.get(wanted);
    if (isNetwork(chosen)) return done(chosen, { taken: true });
    const isAround =
      STATE_DICT_KEYS.some((key) => dict.get(key) instanceof Map) ||
      [...dict.values()].some((value) => value instanceof NetworkTensors);
    if (isNetwork(dict) && !isAround) return done(dict);
    const networks = [...dict.keys()].filter((key) => isNetwork(dict.get(key)) && !TRAINING_STATE.test(String(key)));
    const usual = STATE_DICT_KEYS.filter((key) => networks.includes(key));
    const [taken] = usual.length > 0 ? usual : networks;
    if (usual.length > 1 || (usual.length === 0 && networks.length > 1))
      throw new InputError('torch: the checkpoint holds several state dicts', {
        expected: 'one',
        given: networks.slice(0, 10).map(brief).join(', '),
        hint: `say which with prefix, such as prefix ${brief(networks[0])}`,
      });
    if (taken !== undefined) {
      const others = networks.filter((key) => key !== taken).map(String);
      const choice = others.length > 0 ? { choice: { taken: String(taken), others } } : {};
      return done(dict.get(taken) as Map<unknown, unknown>, choice);
    }
    const inner = STATE_DICT_KEYS.map((key) => dict.get(key)).find((value) => value instanceof Map);
    if (inner === undefined) break;
    level = withTensors(inner);
  }
  const keys = level instanceof Map ? [...level.keys()].slice(0, 10).map(brief).join(', ') : undefined;
  throw new InputError('torch: the checkpoint holds no state dict', {
    expected: `tensors by name, or a dict of them under ${STATE_DICT_KEYS.join(', ')}`,
    given: keys === undefined ? valueInWords(level) : `a dict of ${keys || 'nothing'}`,
    hint: "save the weights: torch.save({'state_dict': model.state_dict()}, path)",
  });
}

const valueInWords = (value: unknown) =>
  value instanceof StoredTensor ? `one tensor of ${value.shape.join('×') || 'one number'}` : brief(value);
