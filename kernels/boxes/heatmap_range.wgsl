// Smallest and largest heat of heatmaps that are resized to their image. Each map is split into parts.
//
//   partials[map, part] = max over the part of (−heat, heat, |cell|, not finite)      min_max: the map's first cell is subtracted from heat
//
// Between two cells, bilinear heat is linear along each axis. So its extremes lie at the first and last pixel between them, and only
// those columns and rows are read.
//
//   heatmaps       [maps, map_h, map_w]  dense
//   probabilities  [maps]; operating_thresholds [classes]. A map whose probability is below the threshold of its class is closed: skipped
//   places         positions of the `columns` columns to read, then of the `rows` rows
//   partials       [maps, parts]
//
// A workgroup owns one part of one map: every `parts`-th batch of LANES samples and cells.
//
// Prelude: LANES, GATED.

struct Params {
  map_h: u32, map_w: u32, columns: u32, rows: u32, parts: u32, classes: u32,
  shifted: u32,  // 1: the first cell is subtracted
}

@group(0) @binding(0) var<storage, read> heatmaps: array<f32>;
@group(0) @binding(1) var<storage, read> probabilities: array<f32>;
@group(0) @binding(2) var<storage, read> operating_thresholds: array<f32>;
@group(0) @binding(3) var<storage, read> places: array<vec2u>;
@group(0) @binding(4) var<storage, read_write> partials: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

#include heat
#include gate

var<workgroup> extremes: array<vec4f, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let map = workgroup.y;
  if (!is_open(map)) {
    return;
  }
  let cells = params.map_h * params.map_w;
  let shift = select(0, heatmaps[map * cells], params.shifted == 1);
  let step = params.parts * LANES;

  var found = vec4f(LOWEST, LOWEST, 0, 0);
  for (var i = workgroup.x * LANES + lane; i < params.columns * params.rows; i += step) {
    let column = places[i % params.columns];
    let row = places[params.columns + i / params.columns];
    let left = column_heat(map, row, column.x, shift);
    let heat = between(left, column_heat(map, row, column.x + 1, shift), column);
    if (is_finite(heat)) {
      found = max(found, vec4f(-heat, heat, 0, 0));
    } else {
      found.w = 1;
    }
  }
  for (var i = workgroup.x * LANES + lane; i < cells; i += step) {
    let value = heatmaps[map * cells + i];
    if (is_finite(value)) {
      found.z = max(found.z, abs(value));
    } else {
      found.w = 1;
    }
  }

  extremes[lane] = found;
  workgroupBarrier();
  if (lane == 0) {
    for (var other = 1u; other < LANES; other++) {
      found = max(found, extremes[other]);
    }
    partials[map * params.parts + workgroup.x] = found;
  }
}
