// A map is open if its probability reaches the threshold of its class; without GATED, all maps are. Needs probabilities,
// operating_thresholds, params.classes and the prelude's GATED.
const LOWEST = -0x1.fffffep+127;

// The bits are compared, because WGSL lets a compiler assume that no number is NaN or infinite.
fn is_finite(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u;
}

fn is_open(map: u32) -> bool {
  if (!GATED) {
    return true;
  }
  return is_finite(probabilities[map]) && probabilities[map] >= operating_thresholds[map % params.classes];
}
