/** Recognises layers whose weights PyTorch computes from other tensors before each run: weight norm, spectral norm and pruning. */

import { firstFew, InputError } from '../../errors.js';
import type { Shapes } from '../family.js';

const WAYS: readonly { part: RegExp; what: string; undo: string }[] = [
  {
    part: /^(.*\.)?parametrizations\.(\w+)\.(original\d*|\d+\..*)$/,
    what: 'a parametrization',
    undo: "torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight')",
  },
  {
    part: /^(.*\.)?(\w+)_(orig|mask)$/,
    what: 'pruning or spectral norm',
    undo: "prune.remove(layer, 'weight') or remove_spectral_norm(layer) of torch.nn.utils",
  },
  { part: /^(.*\.)?(\w+)_g$/, what: 'weight norm', undo: 'torch.nn.utils.remove_weight_norm(layer)' },
];

/** The error for such weights; undefined if every weight is in the checkpoint as it is. */
export function weightsInParts(tensors: Shapes): InputError | undefined {
  for (const { part, what, undo } of WAYS) {
    const found = [...tensors.keys()].filter((name) => {
      const [, layer = '', whole] = part.exec(name) ?? [];
      return whole !== undefined && /^(weight|bias)$/.test(whole) && !tensors.has(layer + whole);
    });
    if (found.length === 0) continue;
    return new InputError(`the checkpoint holds weights in parts, as ${what} keeps them`, {
      expected: 'the weight of each layer as one tensor',
      given: firstFew(found, 6),
      hint: `put them together in torch and save again: ${undo}`,
    });
  }
  return undefined;
}
