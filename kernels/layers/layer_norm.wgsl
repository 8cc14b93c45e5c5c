// Layer norm over the channels of each pixel.
//
//   y[p, c] = (x[p, c] − μ[p]) / √(σ²[p] + ε) · weight[c] + bias[c]      μ, σ² of the pixel's channels, σ² without Bessel's correction
//
//   x, y  nhwc4 pixels `first … first + count`, without holes      weight, bias  one value a lane, zero in padding
//
// ROW_LANES lanes own a pixel, so that a workgroup of 64 has 64 / ROW_LANES pixels. Padding lanes become zero.
// Source: Ba, Kiros & Hinton 2016.
//
// Prelude: elem, ROW_LANES (power of two up to 64). Sums are f32.

struct Params {
  first: u32, count: u32, groups: u32,
  x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
  channels: u32, epsilon: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<elem>>;
@group(0) @binding(4) var<uniform> params: Params;

#include row_moments

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = (workgroup.x + workgroup.y * workgroups.x) * (64 / ROW_LANES) + lane / ROW_LANES;
  // Lanes without a pixel compute the last one again, because all lanes have to reach the barriers.
  let pixel = params.first + min(index, params.count - 1);
  let origin = params.x_offset + pixel * params.x_pitch;
  let moments = moments_of_row(origin, lane);
  if (index >= params.count) {
    return;
  }
  for (var group = lane % ROW_LANES; group < params.groups; group += ROW_LANES) {
    let value = normalise(vec4f(x[origin + group]), moments) * weight[group] + bias[group];
    y[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(value * lane_mask(group, params.channels));
  }
}
