// Widens each component's box until it contains all of the component's runs.
//
//   boxes[map, t, rank] = (left, top, right, bottom, area, peak)      half-open, in pixels of the image
//
// peak has the bits of the highest scaled heat. That number is never negative, so its bits have the same order as the number.
// All operations are integer minima, maxima and sums, so the result does not depend on their order. Components beyond `max_boxes` are
// left out.
//
// A thread owns `span` words.
//
// Prelude: none.

struct Params {
  map_h: u32, map_w: u32, width: u32, row_words: u32, words: u32,
  left: u32, top: u32,  // first pixel of the image that the network saw
  chunk_heat_thresholds: u32, first_map: u32, first_heat_threshold: u32, all_heat_thresholds: u32, max_boxes: u32,
  span: u32,
}

@group(0) @binding(0) var<storage, read> heatmaps: array<f32>;
@group(0) @binding(1) var<storage, read> ranges: array<vec4f>;
@group(0) @binding(2) var<storage, read> places: array<vec2u>;
@group(0) @binding(3) var<storage, read> masks: array<u32>;
@group(0) @binding(4) var<storage, read> labels: array<u32>;
@group(0) @binding(5) var<storage, read_write> boxes: array<atomic<u32>>;
@group(0) @binding(6) var<uniform> params: Params;

#include heat
#include runs

const RANKED = 0x80000000u;

fn rank_of(node: u32) -> u32 {
  let label = labels[node];
  if (label >= RANKED) {
    return label - RANKED;
  }
  return labels[label] - RANKED;
}

// Reads first, because most runs do not widen their box and so need no atomic minimum or maximum.
fn at_least(at: u32, value: u32) {
  if (atomicLoad(&boxes[at]) < value) {
    atomicMax(&boxes[at], value);
  }
}

fn at_most(at: u32, value: u32) {
  if (atomicLoad(&boxes[at]) > value) {
    atomicMin(&boxes[at], value);
  }
}

fn widen(map: u32, layer_in_chunk: u32, place: u32, range: vec4f) {
  let word = layer_in_chunk * params.words + place;
  let layer = map * params.all_heat_thresholds + params.first_heat_threshold + layer_in_chunk % params.chunk_heat_thresholds;
  let y = place / params.row_words;
  let row = places[params.width + y];
  let mask = masks[word];
  var cell = 0xffffffffu;
  var left = 0.0;
  var right = 0.0;
  for (var starts = run_starts(mask); starts != 0; starts &= starts - 1) {
    let first = countTrailingZeros(starts);
    let rank = rank_of(node_of(word, mask, first));
    if (rank >= params.max_boxes) {
      continue;
    }
    let area = countOneBits(run_from(mask, first));
    let x = place % params.row_words * 32 + first;
    var peak = 0.0;
    for (var i = x; i < x + area; i++) {
      let column = places[i];
      if (column.x != cell) {
        cell = column.x;
        left = column_heat(map, row, cell, range.x);
        right = column_heat(map, row, cell + 1, range.x);
      }
      peak = max(peak, scale255(between(left, right, column), range));
    }
    let box = (layer * params.max_boxes + rank) * 6;
    at_most(box, params.left + x);
    at_most(box + 1, params.top + y);
    at_least(box + 2, params.left + x + area);
    at_least(box + 3, params.top + y + 1);
    atomicAdd(&boxes[box + 4], area);
    at_least(box + 5, bitcast<u32>(peak));
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let map = params.first_map + id.z / params.chunk_heat_thresholds;
  let range = ranges[map];
  if (range.w != 0) {
    return;
  }
  let first = (id.x + id.y * workgroups.x * 64) * params.span;
  for (var place = first; place < min(first + params.span, params.words); place++) {
    widen(map, id.z, place, range);
  }
}
