/** Reads all that a trainer keeps from step to step, and writes it into another trainer. */
import { InputError } from '../errors.js';
import type { TensorData } from '../formats/weights/checkpoint.js';
import { writeSafetensors } from '../formats/weights/safetensors.js';
import type { Trainer } from './step.js';

/** Reads states in the order of their names, so that equal states give equal files. */
export async function readStates(
  trainer: Trainer,
  wanted: (name: string) => boolean = () => true,
): Promise<Map<string, TensorData>> {
  const tensors = new Map<string, TensorData>();
  for (const [name, shape] of [...trainer.states].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (wanted(name)) tensors.set(name, { shape: [...shape], data: await trainer.read(name) });
  }
  return tensors;
}

/** Writes a weights file: the parameters, or their moving averages if the trainer keeps some, without the optimizer's states. */
export async function writeWeights(trainer: Trainer, metadata: Record<string, string>): Promise<Uint8Array> {
  const parameters = await readStates(trainer, (name) => !name.includes('#'));
  for (const [name, { shape }] of parameters) {
    const saved = trainer.savedAs(name);
    if (saved !== name) parameters.set(name, { shape, data: await trainer.read(saved) });
  }
  return writeSafetensors(parameters, metadata);
}

/** @throws InputError naming the first state that is missing in one of the two, or that differs in shape. */
export async function restoreStates(trainer: Trainer, tensors: ReadonlyMap<string, TensorData>): Promise<void> {
  for (const name of new Set([...trainer.states.keys(), ...tensors.keys()])) {
    const [own, kept] = [trainer.states.get(name), tensors.get(name)];
    if (!own || own.join() !== kept?.shape.join()) {
      throw new InputError(`the checkpoint does not fit the network: ${name}`, {
        expected: own ? own.join('×') : 'no such tensor',
        given: kept ? kept.shape.join('×') : 'none',
      });
    }
    await trainer.write(name, kept.data);
  }
}
