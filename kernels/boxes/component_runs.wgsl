// Thresholds heatmaps and gives each run of pixels that pass its first label. A word of the binary image holds 32 pixels of one row.
//
//   bit i of masks[layer, row, w] = scaled heat at column 32 w + i ≥ heat_thresholds[t]
//                                   layer = CHUNK_HEAT_THRESHOLDS · (map − first_map) + t
//   labels[node] = node for each run of ones (see runs.wgsl)
//
// The resized heatmap is never stored: heat is interpolated here, from values that are computed once for each column of cells.
//
//   places           positions of the `width` columns that the network saw, then of the `height` rows
//   heat_thresholds  [lists, list_length]: one list for all maps, or one for each class
//
// A thread owns `span` words of each layer of a map.
//
// Prelude: CHUNK_HEAT_THRESHOLDS (the number of heat thresholds that this dispatch processes).

struct Params {
  map_h: u32, map_w: u32, width: u32, height: u32, row_words: u32,
  first_map: u32, first_heat_threshold: u32,
  lists: u32, list_length: u32,
  span: u32,
}

@group(0) @binding(0) var<storage, read> heatmaps: array<f32>;
@group(0) @binding(1) var<storage, read> ranges: array<vec4f>;
@group(0) @binding(2) var<storage, read> places: array<vec2u>;
@group(0) @binding(3) var<storage, read> heat_thresholds: array<f32>;
@group(0) @binding(4) var<storage, read_write> masks: array<u32>;
@group(0) @binding(5) var<storage, read_write> labels: array<u32>;
@group(0) @binding(6) var<uniform> params: Params;

#include heat
#include runs

fn threshold(map: u32, layer: u32, place: u32, range: vec4f) {
  let row = places[params.width + place / params.row_words];
  let first = place % params.row_words * 32;
  let limits = map % params.lists * params.list_length + params.first_heat_threshold;
  var bits: array<u32, CHUNK_HEAT_THRESHOLDS>;
  var cell = 0xffffffffu;
  var left = 0.0;
  var right = 0.0;
  for (var i = 0u; i < min(32, params.width - first); i++) {
    let column = places[first + i];
    if (column.x != cell) {
      cell = column.x;
      left = column_heat(map, row, cell, range.x);
      right = column_heat(map, row, cell + 1, range.x);
    }
    let heat = scale255(between(left, right, column), range);
    for (var t = 0u; t < CHUNK_HEAT_THRESHOLDS; t++) {
      bits[t] |= select(0u, 1u << i, heat >= heat_thresholds[limits + t]);
    }
  }
  for (var t = 0u; t < CHUNK_HEAT_THRESHOLDS; t++) {
    let word = (layer + t) * params.row_words * params.height + place;
    masks[word] = bits[t];
    for (var k = 0u; k < countOneBits(run_starts(bits[t])); k++) {
      labels[word * 16 + k] = word * 16 + k;
    }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let map = params.first_map + id.z;
  let range = ranges[map];
  if (range.w != 0) {
    return;
  }
  let first = (id.x + id.y * workgroups.x * 64) * params.span;
  for (var place = first; place < min(first + params.span, params.row_words * params.height); place++) {
    threshold(map, id.z * CHUNK_HEAT_THRESHOLDS, place, range);
  }
}
