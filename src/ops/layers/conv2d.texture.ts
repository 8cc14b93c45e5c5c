/** Packed weights in a texture, on adapters where kernels read a vec4 faster from there than from a buffer. */
import { TEXELS_PER_ROW } from '../../gpu/textures.js';
import type { Lowering } from '../../graph/ir/operation.js';
import type { ElementType, Tensor } from '../../graph/ir/tensor.js';
import type { Conv2dVariant } from './conv2d.variants.js';

/**
 * Whether the packed weights of a dispatch lie in a texture, as the attributes of packing take it. Weights that change from run to run stay in
 * a buffer, because a kernel writes them.
 */
export function holdsTexture(
  { traits, isConstant }: Lowering,
  { readsTextures }: Pick<Conv2dVariant, 'readsTextures'>,
  weight: Tensor,
  type: ElementType,
): true | undefined {
  return traits.fastTexels && readsTextures && type === 'f32' && isConstant(weight) ? true : undefined;
}

/** The constant by which a kernel knows whether weights lie in a texture. */
export const texels = (weights: Tensor) => ({ TEXELS: weights.isTexture ? TEXELS_PER_ROW : 0 });
