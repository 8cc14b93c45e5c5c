// Heatmaps resized to their image and scaled to 0 … 255, without rounding.
//
//   y[map, r, c] = clamp((heat(map, r, c) − shift − low) · factor, 0, 255)
//
// Maps whose state is not 0 are zero, and so are pixels that the network did not see.
//
//   heatmaps [maps, map_h, map_w]; ranges [maps] of heatmap_range_merge.wgsl
//   places   positions of the image's columns, then rows; NOWHERE: not seen
//   y        [maps, height, width]
//
// A thread owns one pixel of one map.
//
// Prelude: none.

struct Params {
  map_h: u32, map_w: u32, width: u32, height: u32, first: u32, y_offset: u32,
}

@group(0) @binding(0) var<storage, read> heatmaps: array<f32>;
@group(0) @binding(1) var<storage, read> ranges: array<vec4f>;
@group(0) @binding(2) var<storage, read> places: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

#include triangle
#include heat

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let pixel = id.x + id.y * workgroups.x * 64;
  if (pixel >= params.width * params.height) {
    return;
  }
  let map = params.first + id.z;
  let range = ranges[map];
  let column = places[pixel % params.width];
  let row = places[params.width + pixel / params.width];
  var value = 0.0;
  if (range.w == 0 && column.x != NOWHERE && row.x != NOWHERE) {
    let left = column_heat(map, row, column.x, range.x);
    value = scale255(between(left, column_heat(map, row, column.x + 1, range.x), column), range);
  }
  y[params.y_offset + map * params.width * params.height + pixel] = value;
}
