// Gradient of layer norm by its input. For one pixel with C channels, with x̂ = (x − μ) / √(σ² + ε) and g[c] = dy[c] · weight[c]:
//
//   dx[c] = (g[c] − (Σ_j g[j]) / C − x̂[c] · (Σ_j g[j] · x̂[j]) / C) / √(σ² + ε)
//
// The second term is the gradient through μ, the third the gradient through σ².
//
//   dy, x, dx  nhwc4 pixels `first … first + count`, without holes      weight  one value a lane, zero in padding
//
// ROW_LANES lanes own a pixel, as in layer_norm.wgsl. Padding lanes become zero.
//
// Prelude: elem, ROW_LANES (power of two up to 64). Sums are f32.

struct Params {
  first: u32, count: u32, groups: u32,
  dy_offset: u32, dy_pitch: u32, x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
  channels: u32, epsilon: f32,
}

@group(0) @binding(0) var<storage, read> dy: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4<elem>>;
@group(0) @binding(4) var<uniform> params: Params;

#include row_moments

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = (workgroup.x + workgroup.y * workgroups.x) * (64 / ROW_LANES) + lane / ROW_LANES;
  // Lanes without a pixel compute the last one again, because all lanes have to reach the barriers.
  let pixel = params.first + min(index, params.count - 1);
  let origin = params.x_offset + pixel * params.x_pitch;
  let slope = params.dy_offset + pixel * params.dy_pitch;
  let moments = moments_of_row(origin, lane);

  var sum = vec4f(0);
  var product = vec4f(0);
  for (var group = lane % ROW_LANES; group < params.groups; group += ROW_LANES) {
    let g = vec4f(dy[slope + group]) * weight[group];
    sum += g;
    product += g * normalise(vec4f(x[origin + group]), moments);
  }
  let means = total_of_row(vec2f(dot(sum, vec4f(1)), dot(product, vec4f(1))), lane) / f32(params.channels);
  if (index >= params.count) {
    return;
  }
  for (var group = lane % ROW_LANES; group < params.groups; group += ROW_LANES) {
    let normal = normalise(vec4f(x[origin + group]), moments);
    let value = moments.rate * (vec4f(dy[slope + group]) * weight[group] - means.x - normal * means.y);
    dx[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(value * lane_mask(group, params.channels));
  }
}
