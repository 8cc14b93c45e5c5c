/** The table of elementwise activations, which are operations of their own or in the epilogue of the operation before. */

/**
 * `clip` has the bounds `a` and `b`; `leaky_relu` has the slope `a` below zero. `gelu` is the exact x · Φ(x), the default of PyTorch;
 * `gelu_tanh` is its approximation by a hyperbolic tangent. `hard_sigmoid` is x / 6 + ½, clamped to 0 … 1, as in PyTorch.
 */
export type Activation =
  | {
      readonly kind: 'relu' | 'sigmoid' | 'tanh' | 'hard_swish' | 'silu' | 'hard_sigmoid' | 'gelu' | 'gelu_tanh';
    }
  | { readonly kind: 'leaky_relu'; readonly a: number }
  | { readonly kind: 'clip'; readonly a: number; readonly b: number };

/** The properties of an activation that the engine needs. Its formulas, for the references, are in activation.formulas.ts. */
interface ActivationRow {
  /** Its number in kernels/include/activation.wgsl and kernels/gradients/activation_gradient.wgsl; 0 is no activation. */
  readonly code: number;
  /** Whether act(0) is 0, so that padding lanes need no mask. For `clip` that depends on its bounds. */
  readonly keepsZero: boolean | 'within bounds';
  /** What the derivative is computed from. It is y = act(x) if that determines the slope, so that x need not be kept. */
  readonly slopeFrom: 'output' | 'input';
}

export const ACTIVATIONS: Readonly<Record<Activation['kind'], ActivationRow>> = {
  relu: { code: 1, keepsZero: true, slopeFrom: 'output' },
  leaky_relu: { code: 2, keepsZero: true, slopeFrom: 'output' },
  clip: { code: 3, keepsZero: 'within bounds', slopeFrom: 'output' },
  sigmoid: { code: 4, keepsZero: false, slopeFrom: 'output' },
  tanh: { code: 5, keepsZero: true, slopeFrom: 'output' },
  hard_swish: { code: 6, keepsZero: true, slopeFrom: 'input' },
  silu: { code: 7, keepsZero: true, slopeFrom: 'input' },
  hard_sigmoid: { code: 8, keepsZero: false, slopeFrom: 'input' },
  gelu: { code: 9, keepsZero: true, slopeFrom: 'input' },
  gelu_tanh: { code: 10, keepsZero: true, slopeFrom: 'input' },
};

/** What a kernel with an epilogue needs: the code for its prelude, a and b for its params. */
export function activationParams(spec: Activation | undefined): { code: number; a: number; b: number } {
  return {
    code: spec ? ACTIVATIONS[spec.kind].code : 0,
    a: spec && 'a' in spec ? spec.a : 0,
    b: spec && 'b' in spec ? spec.b : 0,
  };
}

/** Whether zero stays zero, so that padding lanes need no mask. */
export function keepsZero(spec: Activation): boolean {
  const { keepsZero: keeps } = ACTIVATIONS[spec.kind];
  return keeps === 'within bounds' ? spec.kind === 'clip' && spec.a <= 0 && spec.b >= 0 : keeps;
}

/** Whether the derivative is computed from y = act(x); for the others from x. */
export const slopeFromOutput = ({ kind }: Activation) => ACTIVATIONS[kind].slopeFrom === 'output';
