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
  map_h: u32, map_w: u32, width: u32, row_words: u32, words: u32, words_in_all: u32,
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
#include segments
#include runs
#include words

const RANKED = 0x80000000u;

fn rank_of(node: u32) -> u32 {
  let label = labels[slot(node)];
  if (label >= RANKED) {
    return label - RANKED;
  }
  return labels[slot(label)] - RANKED;
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

// The common extent of the runs of one component that the thread has met in a row. It is written once for all of them, because atomics are
// slow.
struct Extent { rank: u32, left: u32, top: u32, right: u32, bottom: u32, area: u32, peak: f32 }
var<private> extent: Extent;

fn write_extent(layer: u32) {
  if (extent.area == 0) {
    return;
  }
  let box = (layer * params.max_boxes + extent.rank) * 6;
  at_most(box, params.left + extent.left);
  at_most(box + 1, params.top + extent.top);
  at_least(box + 2, params.left + extent.right);
  at_least(box + 3, params.top + extent.bottom);
  atomicAdd(&boxes[box + 4], extent.area);
  at_least(box + 5, bitcast<u32>(extent.peak));
}

fn widen(map: u32, layer: u32, word: u32, at: WordPlace, range: vec4f) {
  let mask = masks[word];
  for (var starts = run_starts(mask); starts != 0; starts &= starts - 1) {
    let first = countTrailingZeros(starts);
    let rank = rank_of(node_of(word, mask, first));
    if (rank >= params.max_boxes) {
      continue;
    }
    let x = at.column * 32 + first;
    let end = x + countOneBits(run_from(mask, first));
    if (extent.area == 0 || extent.rank != rank) {
      write_extent(layer);
      extent = Extent(rank, x, at.row, end, at.row, 0, 0);
    }
    let row = places[params.width + at.row];
    for (var start = x; start < end;) {
      let part = segment(map, row, start, end, range);
      extent.peak = max(extent.peak, max(part.first, part.last));
      start = part.end;
    }
    extent.left = min(extent.left, x);
    extent.right = max(extent.right, end);
    extent.bottom = at.row + 1;
    extent.area += end - x;
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
  let layer = map * params.all_heat_thresholds + params.first_heat_threshold + id.z % params.chunk_heat_thresholds;
  var at = word_place(first);
  for (var place = first; place < min(first + params.span, params.words); place++) {
    widen(map, layer, id.z * params.words + place, at, range);
    at = next_word(at);
  }
  write_extent(layer);
}
