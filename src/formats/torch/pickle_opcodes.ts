/**
 * What each opcode of a pickle does, in groups. The keys are the opcodes' characters. They are described at
 * https://docs.python.org/3/library/pickletools.html
 */
import { COST, type PickleMachine } from './pickle_machine.js';
import { PyObject } from './pickle_objects.js';
import { latin1, utf8 } from './pickle_reader.js';

type Opcodes = Record<string, (machine: PickleMachine) => void>;

const PROTOCOL_AND_FRAME: Opcodes = {
  '\x80'(m) {
    const protocol = m.read.length(1);
    if (protocol > 5) m.fail('unknown protocol', `${protocol}`);
  },
  '\x95'({ read }) {
    if (read.length(8) > read.bytes.length - read.at) read.fail('the file is cut');
  },
};

const STACK: Opcodes = {
  '(': (m) => m.mark(),
  0: (m) => m.discard(),
  1: (m) => m.popToMark(),
  2: (m) => m.push(m.top()),
};

const NUMBERS: Opcodes = {
  N: (m) => m.push(null),
  '\x88': (m) => m.push(true),
  '\x89': (m) => m.push(false),
  I(m) {
    const line = takeLine(m);
    m.push(line === '01' ? true : line === '00' ? false : m.read.integer(line));
  },
  L: (m) => m.push(m.read.integer(takeLine(m).replace(/L$/, ''))),
  J: (m) => m.push(m.read.int32()),
  K: (m) => m.push(m.read.byte()),
  M: (m) => m.push(m.read.uint16()),
  '\x8a': (m) => m.push(m.read.twosComplement(1)),
  '\x8b': (m) => m.push(m.read.twosComplement(4)),
  F: (m) => m.push(Number(takeLine(m).replace(/inf$/i, 'Infinity'))),
  G: (m) => m.push(m.read.float64()),
};

// A str of Python 2 may be text or bytes, so it is decoded as Latin-1, from which bytes can be restored.
const TEXT_AND_BYTES: Opcodes = {
  U: (m) => m.makeText(latin1(m.read.counted(1))),
  T: (m) => m.makeText(latin1(m.read.counted(4))),
  S(m) {
    const line = takeLine(m);
    if (!/^(?:'[^'\\]*'|"[^"\\]*")$/.test(line)) m.fail('a string is not in plain quotes', line.slice(0, 40));
    m.push(line.slice(1, -1));
  },
  V(m) {
    const unescaped = (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16));
    m.push(takeLine(m).replace(/\\u([0-9a-f]{4})/gi, unescaped));
  },
  '\x8c': (m) => m.makeText(utf8(m.read.counted(1))),
  X: (m) => m.makeText(utf8(m.read.counted(4))),
  '\x8d': (m) => m.makeText(utf8(m.read.counted(8))),
  C: (m) => m.make(COST.bytes, m.read.counted(1)),
  B: (m) => m.make(COST.bytes, m.read.counted(4)),
  '\x8e': (m) => m.make(COST.bytes, m.read.counted(8)),
  '\x96': (m) => m.make(COST.bytes, m.read.counted(8)),
};

const LISTS_AND_TUPLES: Opcodes = {
  ']': (m) => m.make(COST.list, []),
  ')': (m) => m.makeTuple([]),
  l: (m) => m.makeTuple(m.popToMark()),
  t: (m) => m.makeTuple(m.popToMark()),
  '\x85': (m) => m.makeTuple(m.popMany(1)),
  '\x86': (m) => m.makeTuple(m.popMany(2)),
  '\x87': (m) => m.makeTuple(m.popMany(3)),
  a: (m) => m.append(m.popMany(1)),
  e: (m) => m.append(m.popToMark()),
};

const DICTS_AND_SETS: Opcodes = {
  '}': (m) => m.make(COST.map, new Map()),
  d(m) {
    const items = m.popToMark();
    m.make(COST.map, new Map());
    m.setItems(items);
  },
  s: (m) => m.setItems(m.popMany(2)),
  u: (m) => m.setItems(m.popToMark()),
  '\x8f': (m) => m.make(COST.map, new Set()),
  '\x90': (m) => m.addToSet(m.popToMark()),
  '\x91'(m) {
    const items = m.popToMark();
    m.make(COST.map + items.length * COST.entry, new Set(items));
  },
};

const MEMO: Opcodes = {
  p: (m) => m.remember(Number(m.read.integer(takeLine(m)))),
  q: (m) => m.remember(m.read.length(1)),
  r: (m) => m.remember(m.read.length(4)),
  '\x94': (m) => m.remember(),
  g: (m) => m.recall(Number(m.read.integer(takeLine(m)))),
  h: (m) => m.recall(m.read.length(1)),
  j: (m) => m.recall(m.read.length(4)),
};

const NAMES_AND_OBJECTS: Opcodes = {
  c(m) {
    const module = takeLine(m);
    m.push(m.lookUp(module, takeLine(m)));
  },
  '\x93'(m) {
    const [module, name] = m.popMany(2);
    m.push(m.lookUp(module, name));
  },
  i(m) {
    const module = takeLine(m);
    const target = m.lookUp(module, takeLine(m));
    m.call(target, m.popToMark());
  },
  o(m) {
    const [target, ...args] = m.popToMark();
    m.call(target, args);
  },
  R: (m) => callTop(m, 2),
  '\x81': (m) => callTop(m, 2),
  '\x92': (m) => callTop(m, 3),
  b(m) {
    const state = m.pop();
    const object = m.top();
    if (!(object instanceof PyObject)) return;
    m.spend(state instanceof Map ? state.size * COST.entry : 0);
    object.setState(state);
  },
  Q: (m) => m.loadPersistent(m.pop()),
  P: (m) => m.loadPersistent(takeLine(m)),
};

/** All opcodes except the one that ends a pickle. */
export const OPCODES: Opcodes = {
  ...PROTOCOL_AND_FRAME,
  ...STACK,
  ...NUMBERS,
  ...TEXT_AND_BYTES,
  ...LISTS_AND_TUPLES,
  ...DICTS_AND_SETS,
  ...MEMO,
  ...NAMES_AND_OBJECTS,
};

function takeLine(m: PickleMachine): string {
  m.spend(COST.text);
  return m.read.line();
}

/** Calls the function on the stack. If `count` is 3, the last object has arguments by name, which are not needed here and are dropped. */
function callTop(m: PickleMachine, count: 2 | 3): void {
  const [target, args] = m.popMany(count);
  m.call(target, args);
}
