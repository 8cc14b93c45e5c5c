// Writes the label of each pixel, from the labels of runs.
//
//   y[layer, pixel] = index of the first pixel, in reading order, of the pixel's component; NONE outside all components
//
// A thread owns `span` words of 32 pixels.
//
// Prelude: none.

struct Params {
  width: u32, height: u32, row_words: u32, words: u32, words_in_all: u32,
  chunk_heat_thresholds: u32, first_map: u32, first_heat_threshold: u32, all_heat_thresholds: u32, span: u32,
}

@group(0) @binding(0) var<storage, read> ranges: array<vec4f>;
@group(0) @binding(1) var<storage, read> masks: array<u32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@group(0) @binding(4) var<uniform> params: Params;

#include runs

const NONE = 0xffffffffu;

// The pixel at which a run begins.
fn first_pixel(node: u32) -> u32 {
  let word = node / 16;
  var starts = run_starts(masks[word]);
  for (var k = node % 16; k > 0; k--) {
    starts &= starts - 1;
  }
  let place = word % params.words;
  return place / params.row_words * params.width + place % params.row_words * 32 + countTrailingZeros(starts);
}

fn expand(layer_in_chunk: u32, place: u32) {
  let map = params.first_map + layer_in_chunk / params.chunk_heat_thresholds;
  let word = layer_in_chunk * params.words + place;
  let mask = select(masks[word], 0, ranges[map].w != 0);
  let x = place % params.row_words * 32;
  let layer = map * params.all_heat_thresholds + params.first_heat_threshold + layer_in_chunk % params.chunk_heat_thresholds;
  let first = layer * params.width * params.height + place / params.row_words * params.width + x;
  for (var i = 0u; i < min(32, params.width - x); i++) {
    if (extractBits(mask, i, 1) == 1) {
      y[first + i] = first_pixel(labels[slot(node_of(word, mask, i))]);
    } else {
      y[first + i] = NONE;
    }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let first = (id.x + id.y * workgroups.x * 64) * params.span;
  for (var place = first; place < min(first + params.span, params.words); place++) {
    expand(id.z, place);
  }
}
