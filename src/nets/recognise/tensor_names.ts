/** Renames a checkpoint's tensors to torchvision's names: from older spellings, from numbers, and without a common beginning. */

import { InputError } from '../../errors.js';
import type { Checkpoint, TensorData } from '../../formats/weights/checkpoint.js';
import {
  type Backbone,
  type BackboneParameters,
  descriptionOf,
  type ParametersOf,
  prefixOf,
  standardName,
} from '../backbone.js';
import { leftoverOf } from './leftover.js';
import { recognitions } from './recognition.js';

const startOf = (prefix: string) => (prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`);

/** The name without `prefix`, if it begins with it; otherwise the name itself. */
export function withoutPrefix(name: string, prefix: string): string {
  const start = startOf(prefix);
  return name.length > start.length && name.startsWith(start) ? name.slice(start.length) : name;
}

/** The tensors whose names begin with `prefix`, under the rest of their names. */
export function under(tensors: Checkpoint['tensors'], prefix: string): Checkpoint['tensors'] {
  const start = startOf(prefix);
  const found = [...tensors].filter(([name]) => name.startsWith(start) && name !== start);
  if (found.length === 0)
    throw new InputError(`no tensor's name begins with ${start}`, {
      expected: [...new Set([...tensors.keys()].map((name) => name.split('.')[0]))].slice(0, 8).join(', '),
    });
  return new Map(found.map(([name, tensor]) => [name.slice(start.length), tensor]));
}

/** The tensors under the names that torchvision uses today, if a family knows other spellings of theirs. */
export function withTorchvisionNames(tensors: Checkpoint['tensors']): Map<string, TensorData> {
  const spellings = Object.values(recognitions).flatMap(({ spellings }) => spellings ?? []);
  const renamed = new Map<string, TensorData>(tensors);
  for (const { about, of } of spellings) {
    const called = of(tensors);
    const before = [...renamed];
    renamed.clear();
    for (const [old, tensor] of before) {
      const name = called(old);
      if (renamed.has(name)) throw new InputError(`checkpoint: two tensors are named '${name}'`, { hint: about });
      renamed.set(name, tensor);
    }
  }
  return renamed;
}

/**
 * Removes what the names of backbone and head both begin with (`module.`, `model.`, `net.encoder.` or anything else), so that torchvision's
 * names are left.
 */
export function atRoot(
  tensors: Map<string, TensorData>,
  found: string | Backbone,
  isGiven: boolean,
  ignore: readonly string[],
  backboneParameters: ParametersOf,
): { tensors: Map<string, TensorData>; backbone: string | Backbone; root: string } {
  const { prefix: _, ...bare } = descriptionOf(found);
  const start = isGiven ? rootOfGiven(tensors, backboneParameters(found)) + prefixOf(found) : prefixOf(found);
  const at = (prefix: string) => plain({ ...bare, prefix } as Backbone);
  const { others } = leftoverOf(tensors, backboneParameters(at(start)).parameters, {
    family: bare.family,
    prefix: start,
    ignore,
  });
  const segments = start.split('.').slice(0, -1);
  const roots = [...segments.keys(), segments.length].map((depth) =>
    segments
      .slice(0, depth)
      .map((one) => `${one}.`)
      .join(''),
  );
  const usual = prefixOf(bare as Backbone);
  const alone = start.endsWith(usual) ? start.slice(0, start.length - usual.length) : start;
  const root = roots.filter((one) => others.some((name) => name.startsWith(one))).pop() ?? alone;
  const renamed = new Map(
    [...tensors].map(([name, tensor]) => [name.startsWith(root) ? name.slice(root.length) : name, tensor]),
  );
  if (renamed.size < tensors.size) return { tensors, backbone: at(start), root: '' };
  return { tensors: renamed, backbone: at(start.slice(root.length)), root };
}

/** The same backbone without a prefix if it is the usual one, and as a standard name if it has one. */
function plain(backbone: Backbone): string | Backbone {
  const { prefix, ...rest } = backbone;
  const bare = rest as Backbone;
  if (prefix !== undefined && prefix !== prefixOf(bare)) return backbone;
  return standardName(bare) ?? bare;
}

/** What the names in the checkpoint begin with, before those of the network that the caller described. */
function rootOfGiven(tensors: ReadonlyMap<string, TensorData>, { parameters, stem }: BackboneParameters): string {
  const roots = [...tensors.keys()].flatMap((name) =>
    name === stem || name.endsWith(`.${stem}`) ? [name.slice(0, name.length - stem.length)] : [],
  );
  const whole = roots.filter((root) => [...parameters.keys()].every((name) => tensors.has(root + name)));
  if (whole.length > 1)
    throw new InputError('the checkpoint holds several networks of this architecture', {
      expected: 'one',
      given: whole.map((root) => `names under ${root || 'no prefix'}`).join(', '),
      hint: 'say which with prefix',
    });
  return whole[0] ?? roots[0] ?? '';
}
