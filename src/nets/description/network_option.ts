/** Checks the option `network`. */
import { InputError } from '../../errors.js';
import { inBrief, isGraph } from '../../formats/weights/graph_description.js';

/** @throws InputError if it is not a function. The hint says how to make a function of what was given. */
export function checkFunction(network: unknown): void {
  if (typeof network === 'function') return;
  throw new InputError('network: this is not a function that builds a network', {
    expected: '(g, image) => ({ features, logits, probabilities, heatmaps })',
    given: inBrief(network),
    hint: isGraph(network)
      ? 'graphNetwork(description) of raybox/nets makes a function of a description'
      : "if it is a family's name or description, networkOf({ backbone, head }) of raybox/nets makes a function of it",
  });
}
