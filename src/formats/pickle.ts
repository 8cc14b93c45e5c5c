/**
 * Reads Python's pickle format, protocols 0 to 5, without running any code of the file. A pickle is a program for a small stack machine, and
 * in Python it can call every function that can be imported. Here names are only looked up in a table of the caller's. A name that is not
 * in the table is an error. The opcodes are described at https://docs.python.org/3/library/pickletools.html
 *
 * Python's types become: None → null, int → number (bigint beyond 2^53), str → string, bytes → Uint8Array, list and tuple → array,
 * dict → Map, set → Set. The opcode BUILD sets attributes of an object. They are dropped unless the object is a `PyObject`.
 */
import { InputError } from '../errors.js';

/** A name that a pickle refers to: a class, a function or a constant. */
export class PyGlobal {
  constructor(
    readonly name: string,
    readonly call?: (args: unknown[]) => unknown,
  ) {}
}

/** A Python object as a map of its attributes. Subclasses can read a state of another form. */
export class PyObject extends Map<unknown, unknown> {
  /** Called when the pickle sets the state of the object. */
  setState(state: unknown): void {
    if (state instanceof Map) for (const [name, value] of state) this.set(name, value);
  }
}

export interface UnpickleOptions {
  /** What the pickle may refer to, by dotted name. A function is called with the arguments of a call in the pickle. Null cannot be called. */
  globals: ReadonlyMap<string, ((args: unknown[]) => unknown) | null>;
  /** Returns the object for an id, for objects that are stored outside the pickle. */
  persistentLoad?: (id: unknown) => unknown;
  /** The position in `bytes` at which the pickle starts. */
  start?: number;
}

/** Advice for the user about a name that is refused. */
const REFUSED: readonly { is: RegExp; advice: string }[] = [
  {
    is: /q(tensor|u?int\d)|quanti[sz]|per_(tensor|channel)|_packed_params/i,
    advice: 'these are quantised tensors: save the state dict of the network as it was before it was quantised',
  },
  { is: /sparse/i, advice: 'these are sparse tensors: save what their to_dense() gives' },
  { is: /complex/i, advice: 'these are complex numbers, with which no network here computes' },
];
const ALONE = "save the weights alone: torch.save({'state_dict': model.state_dict()}, path)";

// Limits the time that a pickle can take. DenseNet-169 with its optimizer has about 60,000 opcodes.
const MAX_OPCODES = 4_000_000;
/**
 * The memory that the objects of a pickle may take: `constant` plus `perByte` times the pickle's bytes, but not more than `most`. A limit is
 * needed because one byte can make an empty dict, which takes 200 bytes here: a pickle of 4 MB filled 0.9 GB. Checkpoints that were
 * measured need 5 to 16 times the bytes of their pickle.
 */
const OBJECT_BYTES = { constant: 32 << 20, perByte: 32, most: 256 << 20 };
/** Bytes that V8 needs for an object of each kind, approximately. That of `opcode` is for an entry of the stack. */
const COST = {
  opcode: 8,
  text: 32,
  bytes: 128,
  list: 160,
  tuple: 40,
  item: 8,
  map: 200,
  entry: 40,
  call: 120,
  memo: 40,
};
const MAX_LINE = 4096;
const MAX_LONG_BYTES = 64;

/**
 * Reads one pickle.
 * @returns its value, and in `end` the offset of the first byte after it
 * @throws InputError for a pickle that is damaged or too large, or that has something unknown or not allowed
 */
export function unpickle(bytes: Uint8Array, options: UnpickleOptions): { value: unknown; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: unknown[] = [];
  const marks: number[] = [];
  const memo = new Map<number, unknown>();
  let at = options.start ?? 0;
  const room = Math.min(OBJECT_BYTES.most, OBJECT_BYTES.constant + OBJECT_BYTES.perByte * (bytes.length - at));
  let spent = 0;

  const fail = (what: string, given?: string): never => {
    throw new InputError(`pickle: ${what}`, { given, hint: `at byte ${at}` });
  };
  const spend = (cost: number) => {
    spent += cost;
    if (spent > room) fail('it makes far more objects than a checkpoint holds', `more than ${room} bytes of them`);
  };
  const take = (count: number): number => {
    if (count > bytes.length - at) fail('the file is cut', `${bytes.length - at} of ${count} bytes`);
    at += count;
    return at - count;
  };
  const takeLength = (size: 1 | 4 | 8): number => {
    const from = take(size);
    if (size === 1) return view.getUint8(from);
    if (size === 4) return view.getUint32(from, true);
    return view.getUint32(from, true) + view.getUint32(from + 4, true) * 2 ** 32;
  };
  const takeBytes = (size: 1 | 4 | 8) => {
    const count = takeLength(size);
    const from = take(count);
    return bytes.subarray(from, from + count);
  };
  const takeLine = (): string => {
    spend(COST.text);
    const end = bytes.subarray(at, at + MAX_LINE).indexOf(10);
    if (end < 0) fail('a line does not end');
    const line = latin1(bytes.subarray(at, at + end));
    at += end + 1;
    return line;
  };
  const toInteger = (text: string): number | bigint => {
    if (!/^-?\d{1,150}$/.test(text)) fail('not an integer', text.slice(0, 40));
    return narrow(BigInt(text));
  };

  const floor = () => marks[marks.length - 1] ?? 0;
  const push = (value: unknown) => stack.push(value);
  const pop = (): unknown => (stack.length > floor() ? stack.pop() : fail('the stack is empty'));
  const top = (): unknown => (stack.length > floor() ? stack[stack.length - 1] : fail('the stack is empty'));
  const popToMark = (): unknown[] => stack.splice(marks.pop() ?? fail('no mark is set'));
  const popMany = (count: number): unknown[] => {
    if (stack.length - floor() < count) fail('the stack is empty');
    return stack.splice(stack.length - count);
  };
  const recall = (index: number) =>
    push(memo.has(index) ? memo.get(index) : fail('the memo lacks an entry', `${index}`));
  const remember = (index: number) => {
    spend(COST.memo);
    memo.set(index, top());
  };
  const make = <T>(cost: number, value: T) => {
    spend(cost);
    push(value);
  };
  const tuple = (items: unknown[]) => make(COST.tuple + items.length * COST.item, items);

  const lookUp = (module: unknown, name: unknown): PyGlobal => {
    if (typeof module !== 'string' || typeof name !== 'string') return fail('a global has no name');
    const full = `${module}.${name}`.slice(0, 200);
    const callable = options.globals.get(full);
    if (callable === undefined)
      throw new InputError(`pickle: refuses ${full}`, {
        expected: 'tensors and plain Python values only',
        hint: `nothing of it was run; ${(REFUSED.find(({ is }) => is.test(full)) ?? { advice: ALONE }).advice}`,
      });
    spend(COST.call);
    return new PyGlobal(full, callable ?? undefined);
  };
  const call = (target: unknown, args: unknown) => {
    if (!(target instanceof PyGlobal) || target.call === undefined || !Array.isArray(args))
      return fail('calls what cannot be called', target instanceof PyGlobal ? target.name : undefined);
    const made = target.call(args);
    push(made);
    spend(COST.call + (made instanceof Map || made instanceof Set ? made.size * COST.entry : 0));
  };
  const callTop = (count: 2 | 3) => {
    const [target, args] = popMany(count);
    call(target, args);
  };
  const setItems = (items: unknown[]) => {
    const dict = top();
    if (!(dict instanceof Map) || items.length % 2 !== 0) return fail('sets items of what is no dict');
    spend((items.length / 2) * COST.entry);
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  };
  const append = (items: unknown[]) => {
    const list = top();
    if (!Array.isArray(list)) return fail('appends to what is no list');
    for (const item of items) list.push(item);
  };
  const persistent = (id: unknown) =>
    make(COST.call, options.persistentLoad ? options.persistentLoad(id) : fail('refers outside'));

  const run: Record<string, () => void> = {
    // Protocol and frame
    '\x80': () => {
      const protocol = takeLength(1);
      if (protocol > 5) fail('unknown protocol', `${protocol}`);
    },
    '\x95': () => {
      if (takeLength(8) > bytes.length - at) fail('the file is cut');
    },

    // The stack
    '(': () => marks.push(stack.length),
    0: () => (stack.length > floor() ? stack.pop() : popToMark()),
    1: () => popToMark(),
    2: () => push(top()),

    // Constants and numbers
    N: () => push(null),
    '\x88': () => push(true),
    '\x89': () => push(false),
    I: () => {
      const line = takeLine();
      push(line === '01' ? true : line === '00' ? false : toInteger(line));
    },
    L: () => push(toInteger(takeLine().replace(/L$/, ''))),
    J: () => push(view.getInt32(take(4), true)),
    K: () => push(takeLength(1)),
    M: () => push(view.getUint16(take(2), true)),
    '\x8a': () => push(fromTwosComplement(takeBytes(1))),
    '\x8b': () => push(fromTwosComplement(takeBytes(4))),
    F: () => push(Number(takeLine().replace(/inf$/i, 'Infinity'))),
    G: () => push(view.getFloat64(take(8))),

    // Text and bytes. A str of Python 2 may be either of them, so it is decoded as Latin-1, from which bytes can be restored.
    U: () => make(COST.text, latin1(takeBytes(1))),
    T: () => make(COST.text, latin1(takeBytes(4))),
    S: () => {
      const line = takeLine();
      if (!/^(?:'[^'\\]*'|"[^"\\]*")$/.test(line)) fail('a string is not in plain quotes', line.slice(0, 40));
      push(line.slice(1, -1));
    },
    V: () => push(takeLine().replace(/\\u([0-9a-f]{4})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))),
    '\x8c': () => make(COST.text, utf8(takeBytes(1))),
    X: () => make(COST.text, utf8(takeBytes(4))),
    '\x8d': () => make(COST.text, utf8(takeBytes(8))),
    C: () => make(COST.bytes, takeBytes(1)),
    B: () => make(COST.bytes, takeBytes(4)),
    '\x8e': () => make(COST.bytes, takeBytes(8)),
    '\x96': () => make(COST.bytes, takeBytes(8)),

    // Lists and tuples
    ']': () => make(COST.list, []),
    ')': () => tuple([]),
    l: () => tuple(popToMark()),
    t: () => tuple(popToMark()),
    '\x85': () => tuple(popMany(1)),
    '\x86': () => tuple(popMany(2)),
    '\x87': () => tuple(popMany(3)),
    a: () => append(popMany(1)),
    e: () => append(popToMark()),

    // Dicts and sets
    '}': () => make(COST.map, new Map()),
    d: () => {
      const items = popToMark();
      make(COST.map, new Map());
      setItems(items);
    },
    s: () => setItems(popMany(2)),
    u: () => setItems(popToMark()),
    '\x8f': () => make(COST.map, new Set()),
    '\x90': () => {
      const items = popToMark();
      const set = top();
      if (!(set instanceof Set)) return fail('adds to what is no set');
      spend(items.length * COST.entry);
      for (const item of items) set.add(item);
    },
    '\x91': () => {
      const items = popToMark();
      make(COST.map + items.length * COST.entry, new Set(items));
    },

    // The memo
    p: () => remember(Number(toInteger(takeLine()))),
    q: () => remember(takeLength(1)),
    r: () => remember(takeLength(4)),
    '\x94': () => remember(memo.size),
    g: () => recall(Number(toInteger(takeLine()))),
    h: () => recall(takeLength(1)),
    j: () => recall(takeLength(4)),

    // Names, calls, attributes, and objects outside the pickle
    c: () => {
      const module = takeLine();
      push(lookUp(module, takeLine()));
    },
    '\x93': () => {
      const [module, name] = popMany(2);
      push(lookUp(module, name));
    },
    i: () => {
      const module = takeLine();
      const target = lookUp(module, takeLine());
      call(target, popToMark());
    },
    o: () => {
      const [target, ...args] = popToMark();
      call(target, args);
    },
    R: () => callTop(2),
    '\x81': () => callTop(2),
    '\x92': () => callTop(3),
    b: () => {
      const state = pop();
      const object = top();
      if (!(object instanceof PyObject)) return;
      spend(state instanceof Map ? state.size * COST.entry : 0);
      object.setState(state);
    },
    Q: () => persistent(pop()),
    P: () => persistent(takeLine()),
  };

  for (let count = 0; count < MAX_OPCODES; count++) {
    const opcode = String.fromCharCode(bytes[take(1)]);
    spend(COST.opcode);
    if (opcode === '.') return { value: pop(), end: at };
    if (!Object.hasOwn(run, opcode)) fail('unknown opcode', `0x${opcode.charCodeAt(0).toString(16)}`);
    run[opcode]();
  }
  return fail('too long', `more than ${MAX_OPCODES} opcodes`);
}

const narrow = (value: bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) && BigInt(Number(value)) === value ? Number(value) : value;

function fromTwosComplement(bytes: Uint8Array): number | bigint {
  if (bytes.length > MAX_LONG_BYTES)
    throw new InputError('pickle: an integer is too long', { given: `${bytes.length} bytes` });
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
  return narrow(BigInt.asIntN(bytes.length * 8, value));
}

const utf8Decoder = new TextDecoder();
const utf8 = (bytes: Uint8Array) => utf8Decoder.decode(bytes);

/** Decodes each byte as one character, U+0000 to U+00FF. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return text;
}
