// Elementwise activations, chosen by the prelude's ACTIVATION. a is the slope of leaky ReLU; a and b are the bounds of clip.
// The codes are those of the table in src/ops/layers/activations.ts. Where act(0) is not 0, the kernel masks the padding lanes.
const_assert ACTIVATION <= 10;  // a code without a case would compute the identity

#include normal_tail

fn activate(v: vec4f, a: f32, b: f32) -> vec4f {
  switch ACTIVATION {
    case 1u: { return max(v, vec4f(0)); }                              // ReLU
    case 2u: { return select(v * a, v, v > vec4f(0)); }                // leaky ReLU
    case 3u: { return clamp(v, vec4f(a), vec4f(b)); }                  // clip
    case 4u: { return 1 / (1 + exp(-v)); }                             // sigmoid
    case 5u: {                                                         // tanh, which saturates without overflow
      let v2 = v * v;  // near 0 the formula would subtract nearly equal numbers, so its series is used
      let near = v * (1 - v2 * (1.0 / 3 - v2 * (2.0 / 15 - v2 * 17 / 315)));
      return select(1 - 2 / (exp(2 * v) + 1), near, abs(v) < vec4f(0.2));
    }
    case 6u: { return v * clamp(v / 6 + 0.5, vec4f(0), vec4f(1)); }    // hard-swish
    case 7u: { return v / (1 + exp(-v)); }                             // SiLU
    case 8u: { return clamp(v / 6 + 0.5, vec4f(0), vec4f(1)); }        // hard sigmoid
    case 9u: {                                                         // GELU: v · Φ(v); 1 − Φ(−v) would lose digits for v < 0
      let u = min(abs(v), vec4f(14));
      return max(v, vec4f(0)) - u * normal_tail(u);
    }
    case 10u: {                                                        // GELU with Φ replaced by (1 + tanh(z)) / 2 = 1 / (1 + exp(−2z))
      return v / (1 + exp(-1.5957691216 * v * (1 + 0.044715 * v * v)));
    }
    default: { return v; }
  }
}
