// Weights of a batch's ones and zeros in the loss, such that both have the same total weight.
//
//   weights[0, c] = (|P| + |N|) / |P|      weights[1, c] = (|P| + |N|) / |N|      0 for an empty set
//   |P| = Σ y, |N| = Σ (1 − y), over the labels that are known (y ≥ 0): of all classes, or with PER_CLASS of class c
//
//   y  [batch, classes] dense      weights  [2, classes] dense
//
// One workgroup; a lane counts every 64th class, and the counts are merged pairwise in a fixed tree. Source: Wang et al. 2017, section 4.1.
//
// Prelude: PER_CLASS.

struct Params {
  images: u32, classes: u32,
}

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read_write> weights: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> counts: array<vec2f, 64>;

fn count(c: u32) -> vec2f {
  var sum = vec2f(0);
  for (var n = 0u; n < params.images; n++) {
    let label = y[n * params.classes + c];
    sum += select(vec2f(0), vec2f(label, 1 - label), label >= 0);
  }
  return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = vec2f(0);
  for (var c = lane; c < params.classes; c += 64) {
    sum += count(c);
  }
  counts[lane] = sum;
  for (var half = 32u; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      counts[lane] += counts[lane + half];
    }
  }
  workgroupBarrier();
  for (var c = lane; c < params.classes; c += 64) {
    var all = counts[0];
#if PER_CLASS
    all = count(c);
#endif
    let weight = select(vec2f(0), (all.x + all.y) / max(all, vec2f(1e-30)), all > vec2f(0));
    weights[c] = weight.x;
    weights[params.classes + c] = weight.y;
  }
}
