// Adds the partial sums of channel_sums.wgsl over the chunks, in order.
//
//   sums[c] = Σ_chunk partial[chunk, 0, c]      products[c] = Σ_chunk partial[chunk, 1, c] / √(variance[c] + ε)
//
//   partial   [chunks, 2, lanes] scalars      lane_of  the lane of each channel      variance, sums, products  [channels] dense
//
// A thread owns one channel.
//
// Prelude: PRODUCT.

struct Params {
  chunks: u32, lanes: u32, channels: u32, epsilon: f32,
}

@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read> lane_of: array<u32>;
@group(0) @binding(2) var<storage, read> variance: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;
@group(0) @binding(4) var<storage, read_write> products: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  if (c >= params.channels) {
    return;
  }
  var at = lane_of[c];
  var sum = 0.0;
  var product = 0.0;
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    sum += partial[at];
    product += partial[at + params.lanes];
    at += 2 * params.lanes;
  }
  sums[c] = sum;
#if PRODUCT
  products[c] = product / sqrt(variance[c] + params.epsilon);
#else
  products[c] = product;
#endif
}
