// Thresholds heatmaps and gives each run of pixels that pass its first label. A word of the binary image holds 32 pixels of one row.
//
//   bit i of masks[layer, row, w] = scaled heat at column 32 w + i ≥ heat_thresholds[t]
//                                   layer = CHUNK_HEAT_THRESHOLDS · (map − first_map) + t
//   labels[slot(node)] = node for each run of ones (see runs.wgsl). But a run that continues a run of the word to its left gets
//                        that run's label, if the same thread processes both words: component_merge.wgsl need not join them then
//
// The resized heatmap is never stored, and heat is interpolated at few pixels only: at the ends of each segment (see segments.wgsl), and
// where a binary search looks for the pixel at which the heat crosses a threshold.
//
//   places           positions of the `width` columns that the network saw, then of the `height` rows
//   heat_thresholds  [lists, list_length]: one list for all maps, or one for each class
//
// A thread owns `span` words of each layer of a map.
//
// Prelude: CHUNK_HEAT_THRESHOLDS (the number of heat thresholds that this dispatch processes).

struct Params {
  map_h: u32, map_w: u32, width: u32, height: u32, row_words: u32, words_in_all: u32,
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
#include segments
#include runs
#include words

// Ones for the columns start … to − 1, in the word whose first column is `first`.
fn bits_of(first: u32, start: u32, to: u32) -> u32 {
  return extractBits(0xffffffffu, 0, to - start) << (start - first);
}

// Ones for the pixels of a segment whose heat reaches `limit`, in the word whose first column is `first`. The segment begins with column `start`.
fn reached(part: Segment, first: u32, start: u32, limit: f32, range: vec4f) -> u32 {
  let begins = part.first >= limit;
  var change = part.end;
  if ((part.last >= limit) != begins) {
    var before = start;
    change--;
    while (change - before > 1) {
      let middle = (before + change) / 2;
      let heat = scale255(between(part.left, part.right, places[middle]), range);
      if ((heat >= limit) == begins) {
        before = middle;
      } else {
        change = middle;
      }
    }
  }
  return select(bits_of(first, change, part.end), bits_of(first, start, change), begins);
}

const NONE = 0xffffffffu;
// For each heat threshold, the label of the run that reaches the end of the thread's last word; NONE if no run does, or before the first word.
var<private> reaching: array<u32, CHUNK_HEAT_THRESHOLDS>;

fn threshold(map: u32, layer: u32, place: u32, at: WordPlace, range: vec4f) {
  let row = places[params.width + at.row];
  let first = at.column * 32;
  let end = min(first + 32, params.width);
  let limits = map % params.lists * params.list_length + params.first_heat_threshold;
  var bits: array<u32, CHUNK_HEAT_THRESHOLDS>;
  for (var start = first; start < end;) {
    let part = segment(map, row, start, end, range);
    for (var t = 0u; t < CHUNK_HEAT_THRESHOLDS; t++) {
      bits[t] |= reached(part, first, start, heat_thresholds[limits + t], range);
    }
    start = part.end;
  }
  for (var t = 0u; t < CHUNK_HEAT_THRESHOLDS; t++) {
    let word = (layer + t) * params.row_words * params.height + place;
    masks[word] = bits[t];
    var label = select(NONE, reaching[t], at.column > 0 && (bits[t] & 1) == 1);
    for (var k = 0u; k < countOneBits(run_starts(bits[t])); k++) {
      if (k > 0 || label == NONE) {
        label = word * 16 + k;
      }
      labels[slot(word * 16 + k)] = label;
    }
    reaching[t] = select(NONE, label, bits[t] >> 31 == 1);
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
  for (var t = 0u; t < CHUNK_HEAT_THRESHOLDS; t++) {
    reaching[t] = NONE;
  }
  var at = word_place(first);
  for (var place = first; place < min(first + params.span, params.row_words * params.height); place++) {
    threshold(map, id.z * CHUNK_HEAT_THRESHOLDS, place, at, range);
    at = next_word(at);
  }
}
