/**
 * Reads Python's pickle format, protocols 0 to 5, without running any code of the file. A pickle is a program for a small stack machine, and
 * in Python it can call every function that can be imported. Here names are only looked up in a table of the caller's. A name that is not
 * in the table is an error; the table can have an inert record for any class (`PyRecord`).
 *
 * Python's types become: None → null, int → number (bigint beyond 2^53), str → string, bytes → Uint8Array, list and tuple → array,
 * dict → Map, set → Set. The opcode BUILD sets attributes of an object. They are dropped unless the object is a `PyObject`.
 */
import { COST, PickleMachine, type UnpickleOptions } from './pickle_machine.js';
import { OPCODES } from './pickle_opcodes.js';

// Limits the time that a pickle can take. DenseNet-169 with its optimizer has about 60,000 opcodes.
const MAX_OPCODES = 4_000_000;

/**
 * Reads one pickle.
 * @returns its value, and in `end` the offset of the first byte after it
 * @throws InputError for a pickle that is damaged or too large, or that has something unknown or not allowed
 */
export function unpickle(bytes: Uint8Array, options: UnpickleOptions): { value: unknown; end: number } {
  const machine = new PickleMachine(bytes, options);
  for (let count = 0; count < MAX_OPCODES; count++) {
    const opcode = String.fromCharCode(machine.read.byte());
    machine.spend(COST.opcode);
    if (opcode === '.') return { value: machine.pop(), end: machine.read.at };
    if (!Object.hasOwn(OPCODES, opcode)) machine.fail('unknown opcode', `0x${opcode.charCodeAt(0).toString(16)}`);
    OPCODES[opcode](machine);
  }
  return machine.fail('too long', `more than ${MAX_OPCODES} opcodes`);
}
