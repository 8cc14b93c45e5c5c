// Merges the parts of heatmap_range.wgsl into the numbers that scale each heatmap to 0 … 255.
//
//   ranges[map] = (shift, low, factor, state)      scaled = clamp((heat − shift − low) · factor, 0, 255)
//
// state: 0 scaled, 1 closed because of its probability, 2 flat, 3 not finite. A map is flat if its heat varies by less than 2⁻²⁰ of its
// largest magnitude, which may be rounding alone, or with relu_max if it never exceeds zero.
//
// A thread owns one map; there are at most 256 parts.
//
// Prelude: GATED.

struct Params {
  maps: u32, cells: u32, parts: u32, classes: u32,
  relu: u32,  // 1: from zero to the maximum (relu_max); 0: from the minimum to the maximum, without the first cell's value
}

@group(0) @binding(0) var<storage, read> heatmaps: array<f32>;
@group(0) @binding(1) var<storage, read> probabilities: array<f32>;
@group(0) @binding(2) var<storage, read> operating_thresholds: array<f32>;
@group(0) @binding(3) var<storage, read> partials: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> ranges: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

#include gate

const SMALLEST = 1.2e-36;  // 255 divided by a smaller number would overflow

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let map = id.x;
  if (map >= params.maps) {
    return;
  }
  if (!is_open(map)) {
    ranges[map] = vec4f(0, 0, 0, 1);
    return;
  }
  var found = vec4f(LOWEST, LOWEST, 0, 0);
  for (var part = 0u; part < params.parts; part++) {
    found = max(found, partials[map * params.parts + part]);
  }
  let low = -found.x;
  let high = found.y;
  let extent = high - low;
  if (found.w > 0 || !is_finite(extent)) {
    ranges[map] = vec4f(0, 0, 0, 3);
  } else if (extent <= max(found.z * 0x1p-20, SMALLEST)) {
    ranges[map] = vec4f(0, 0, 0, 2);
  } else if (params.relu == 0) {
    ranges[map] = vec4f(heatmaps[map * params.cells], low, 255 / extent, 0);
  } else if (high > SMALLEST) {
    ranges[map] = vec4f(0, 0, 255 / high, 0);
  } else {
    ranges[map] = vec4f(0, 0, 0, 2);
  }
}
