// Losses of one logit z with label y (1 present, 0 absent, soft in between), and their derivatives by z. The prelude's LOSS chooses:
// 0 cross entropy, 1 hinge, 2 Euclidean, 3 focal. The formulas are written so that none overflows, whatever z is.

// ln(1 + exp(t))
fn softplus(t: f32) -> f32 {
  let u = exp(-abs(t));
  return max(t, 0) + select(log(1 + u), u * (1 - u * (0.5 - u / 3)), u < 0.004);
}

fn sigmoid(t: f32) -> f32 {
  let u = exp(-abs(t));
  return select(u, 1.0, t >= 0) / (1 + u);
}

// weight: that of label 1, then that of label 0. focus: the exponent of the focal loss.
fn loss_term(z: f32, y: f32, weight: vec2f, focus: f32) -> f32 {
  let share = vec2f(y, 1 - y) * weight;
  switch LOSS {
    case 0u: { return dot(share, vec2f(softplus(-z), softplus(z))); }
    case 1u: { return max(0, 1 - (2 * y - 1) * z); }
    case 2u: { return 0.5 * (sigmoid(z) - y) * (sigmoid(z) - y); }
    default: { return dot(share, pow(vec2f(sigmoid(-z), sigmoid(z)), vec2f(focus)) * vec2f(softplus(-z), softplus(z))); }
  }
}

fn loss_slope(z: f32, y: f32, weight: vec2f, focus: f32) -> f32 {
  let share = vec2f(-y, 1 - y) * weight;
  let p = sigmoid(z);
  let q = sigmoid(-z);
  switch LOSS {
    case 0u: { return dot(share, vec2f(q, p)); }
    case 1u: { return select(0.0, 1 - 2 * y, (2 * y - 1) * z < 1); }
    case 2u: { return (p - y) * p * q; }
    default: {
      let spread = vec2f(focus * p * softplus(-z) + q, focus * q * softplus(z) + p);
      return dot(share, pow(vec2f(q, p), vec2f(focus)) * spread);
    }
  }
}
