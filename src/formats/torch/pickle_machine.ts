/**
 * The stack machine that runs pickles. It has a stack with marks, a memo of the objects that were made, and it counts the memory that they
 * take. `pickle_opcodes.ts` has what each opcode does with it.
 */
import { InputError } from '../../errors.js';
import { PyGlobal, PyRecord } from './pickle_objects.js';
import { PickleReader } from './pickle_reader.js';

/** Kinds of tensors that raybox cannot use, by the names that a pickle gives them, with advice for the user. */
export const UNREADABLE: readonly { is: RegExp; advice: string }[] = [
  {
    // PyTorch's attention has an ordinary linear layer of the class NonDynamicallyQuantizableLinear.
    is: /q(tensor|u?int\d)|(?<!NonDynamically)quanti[sz]|per_(tensor|channel)|_packed_params/i,
    advice: 'these are quantised tensors: save the state dict of the network as it was before it was quantised',
  },
  { is: /sparse/i, advice: 'these are sparse tensors: save what their to_dense() gives' },
  { is: /complex/i, advice: 'these are complex numbers, with which no network here computes' },
];
const ALONE = "save the weights alone: torch.save({'state_dict': model.state_dict()}, path)";

/**
 * The memory that the objects of a pickle may take: `constant` plus `perByte` times the pickle's bytes, but not more than `most`. A limit is
 * needed because one byte can make an empty dict, which takes 200 bytes here: a pickle of 4 MB filled 0.9 GB. Checkpoints that were
 * measured need 5 to 16 times the bytes of their pickle.
 */
const OBJECT_BYTES = { constant: 32 << 20, perByte: 32, most: 256 << 20 };

/** The approximate number of bytes that V8 needs for an object of each kind. `opcode` is for an entry of the stack. */
export const COST = {
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

/** Runs the instructions of a pickle. Classes become inert records: nothing is imported or executed. */
export class PickleMachine {
  readonly read: PickleReader;
  private readonly stack: unknown[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, unknown>();
  /** The bytes that objects may take. */
  private readonly room: number;
  private spent = 0;

  constructor(
    bytes: Uint8Array,
    private readonly options: UnpickleOptions,
  ) {
    const { start = 0 } = options;
    this.read = new PickleReader(bytes, start);
    this.room = Math.min(OBJECT_BYTES.most, OBJECT_BYTES.constant + OBJECT_BYTES.perByte * (bytes.length - start));
  }

  fail(what: string, given?: string): never {
    return this.read.fail(what, given);
  }

  /** Counts the memory of an object before it is made. @throws InputError if the pickle has made far more than a checkpoint does */
  spend(cost: number): void {
    this.spent += cost;
    if (this.spent > this.room)
      this.fail('it makes far more objects than a checkpoint holds', `more than ${this.room} bytes of them`);
  }

  // The stack. Objects below the last mark cannot be used until the mark is removed.

  push(value: unknown): void {
    this.stack.push(value);
  }

  /** Pushes a new object that takes `cost` bytes. */
  make(cost: number, value: unknown): void {
    this.spend(cost);
    this.stack.push(value);
  }

  makeText(text: string): void {
    this.make(COST.text, text);
  }

  makeTuple(items: unknown[]): void {
    this.make(COST.tuple + items.length * COST.item, items);
  }

  pop(): unknown {
    this.need(1);
    return this.stack.pop();
  }

  top(): unknown {
    this.need(1);
    return this.stack[this.stack.length - 1];
  }

  popMany(count: number): unknown[] {
    this.need(count);
    return this.stack.splice(this.stack.length - count);
  }

  mark(): void {
    this.marks.push(this.stack.length);
  }

  popToMark(): unknown[] {
    return this.stack.splice(this.marks.pop() ?? this.fail('no mark is set'));
  }

  /** Removes the last object, or the last mark if there is no object above it. */
  discard(): void {
    if (this.stack.length > this.floor()) this.stack.pop();
    else this.popToMark();
  }

  private floor(): number {
    return this.marks[this.marks.length - 1] ?? 0;
  }

  private need(count: number): void {
    if (this.stack.length - this.floor() < count) this.fail('the stack is empty');
  }

  // The memo

  remember(index: number = this.memo.size): void {
    this.spend(COST.memo);
    this.memo.set(index, this.top());
  }

  recall(index: number): void {
    this.push(this.memo.has(index) ? this.memo.get(index) : this.fail('the memo lacks an entry', `${index}`));
  }

  // Changes to the object on top of the stack

  append(items: unknown[]): void {
    const top = this.top();
    const list = top instanceof PyRecord ? top.items : top;
    if (!Array.isArray(list)) this.fail('appends to something other than a list');
    for (const item of items) list.push(item);
  }

  setItems(items: unknown[]): void {
    const dict = this.top();
    if (!(dict instanceof Map) || items.length % 2 !== 0) this.fail('sets items of something other than a dict');
    this.spend((items.length / 2) * COST.entry);
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  }

  addToSet(items: unknown[]): void {
    const set = this.top();
    if (!(set instanceof Set)) this.fail('adds to something other than a set');
    this.spend(items.length * COST.entry);
    for (const item of items) set.add(item);
  }

  // Names, calls, and objects outside the pickle

  /** Pushes the object that a name stands for. @throws InputError for a name that is not in the caller's table */
  lookUp(module: unknown, name: unknown): PyGlobal {
    if (typeof module !== 'string' || typeof name !== 'string') this.fail('a global has no name');
    const full = `${module}.${name}`.slice(0, 200);
    const callable = this.options.globals.get(full);
    if (callable === undefined)
      throw new InputError(`pickle: refuses ${full}`, {
        expected: 'tensors and plain Python values only',
        hint: `nothing of it was run; ${(UNREADABLE.find(({ is }) => is.test(full)) ?? { advice: ALONE }).advice}`,
      });
    this.spend(COST.call);
    return new PyGlobal(full, callable ?? undefined);
  }

  /** Calls a function of the table and pushes its result. */
  call(target: unknown, args: unknown): void {
    if (!(target instanceof PyGlobal) || target.call === undefined || !Array.isArray(args))
      this.fail('calls what cannot be called', target instanceof PyGlobal ? target.name : undefined);
    const made = target.call(args);
    this.push(made);
    this.spend(COST.call + (made instanceof Map || made instanceof Set ? COST.map + made.size * COST.entry : 0));
  }

  /** Pushes the object that is stored outside the pickle under an id. */
  loadPersistent(id: unknown): void {
    const { persistentLoad } = this.options;
    this.make(COST.call, persistentLoad ? persistentLoad(id) : this.fail('refers outside'));
  }
}

/**
 * The objects that a pickle may refer to, by dotted name. If the pickle calls one, the function here is called with the arguments; null
 * means that it cannot be called. Names that are not here are refused.
 */
export interface Globals {
  get(name: string): ((args: unknown[]) => unknown) | null | undefined;
}

/** Where a pickle starts, and what it may refer to. */
export interface UnpickleOptions {
  globals: Globals;
  /** Returns the object for an id, for objects that are stored outside the pickle. */
  persistentLoad?: (id: unknown) => unknown;
  /** The position in `bytes` at which the pickle starts. */
  start?: number;
}
