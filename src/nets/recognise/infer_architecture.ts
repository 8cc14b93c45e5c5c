/** Finds out a checkpoint's network from the names and shapes of its tensors alone. */
import type { Architecture } from '../architecture.js';
import { backboneParameters } from '../backbone.js';
import type { Shapes } from '../family.js';
import { inferBackbone } from './infer.js';
import { type HeadOptions, inferHead } from './infer_head.js';

/**
 * The backbone and the head. The head is raybox's own (`head.transition`, `head.prediction`) or one linear layer on pooled features. If there
 * is no such layer, the result has no head.
 * @throws InputError if raybox does not know the backbone, or cannot run the head
 */
export function inferArchitecture(tensors: Shapes, options: HeadOptions = {}): Architecture {
  const backbone = inferBackbone(tensors);
  const head = inferHead(tensors, backbone, backboneParameters(backbone), options);
  return { backbone, ...(head ? { head } : {}) };
}
