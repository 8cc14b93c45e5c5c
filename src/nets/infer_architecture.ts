/** A checkpoint's network by the names and shapes of its tensors alone, as they are. */
import type { Architecture } from './architecture.js';
import { backboneParameters } from './backbone.js';
import type { Shapes } from './family.js';
import { inferBackbone } from './infer.js';
import { type HeadOptions, inferHead } from './infer_head.js';

/**
 * Backbone and head, which has `head.transition` and `head.prediction` or is one linear layer on the features; without one there is
 * no head in the result.
 * @throws InputError where the backbone is none that raybox knows, or the head none that it runs.
 */
export function inferArchitecture(tensors: Shapes, options: HeadOptions = {}): Architecture {
  const backbone = inferBackbone(tensors);
  const head = inferHead(tensors, backbone, backboneParameters(backbone), options);
  return { backbone, ...(head ? { head } : {}) };
}
