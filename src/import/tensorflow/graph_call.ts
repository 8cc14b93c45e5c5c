/** One operation of a graph model, with its inputs. */
import { InputError } from '../../errors.js';
import { isReal } from '../numbers.js';
import type { Attribute, Constant } from '../plain.js';
import { type Builder, emit, type Step } from './builder.js';
import type { GraphNode } from './graph_nodes.js';

export interface OperationCall {
  readonly builder: Builder;
  readonly step: Step;
  readonly node: GraphNode;
}

export type Operation = (call: OperationCall) => void;

export const refusal = ({ step }: OperationCall, why: string) => new InputError(`${step.origin}: ${why}`);

export function input(call: OperationCall, index: number): string {
  const name = call.node.inputs[index];
  if (name === undefined) throw refusal(call, `its input ${index} is missing`);
  return name;
}

/** An input that has to be known before the network runs. */
export function constant(call: OperationCall, index: number): Constant {
  const { constants, producers } = call.builder;
  let name = input(call, index);
  // A copy of a constant is a constant too.
  for (let hops = 0; hops < 64; hops++) {
    const found = constants.get(name);
    if (found) return found;
    const copy = producers.get(name);
    if (copy?.operator !== 'Identity') break;
    name = copy.inputs[0];
  }
  throw refusal(call, `its input ${index} (${name.slice(-80)}) is not a constant`);
}

/** A constant that is a short list, such as axes. */
export function list(call: OperationCall, index: number): number[] {
  const found = constant(call, index);
  if (found.count > 64 || isReal(found.type))
    throw refusal(call, `its input ${index} is not a short list of whole numbers`);
  return Array.from(found.values());
}

/** Translates to an ONNX operator that computes the same from the same inputs. */
export const same =
  (operator: string, attributes: Readonly<Record<string, Attribute>> = {}): Operation =>
  ({ builder, step, node }) =>
    void emit(builder, step, operator, node.inputs, attributes, node.name);
