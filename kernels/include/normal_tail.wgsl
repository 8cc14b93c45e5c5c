// Φ(−u), the share of the standard normal distribution beyond u, for u from 0 to 14; beyond 14 it is 0 in f32.
// WGSL has no error function. As Hastings did (Approximations for Digital Computers, 1955), exp(−u²/2) is multiplied by a polynomial
// in t = 1 / (1 + p·u), without a constant term, since the quotient falls like 1/u. These coefficients are a minimax fit of the relative
// error, 1.5e-7 over the whole range, so that the far tail keeps its digits too.
fn normal_tail(u: vec4f) -> vec4f {
  let t = 1 / (1 + 0.3 * u);
  let high = 0.128561797 + t * (-0.053683984 + t * (0.206353894 + t * (-0.157203318 + t * 0.035674833)));
  return exp(-0.5 * u * u) * t * (0.119629298 + t * (0.120753963 + t * (0.099913443 + t * high)));
}
