// Joins runs that touch, diagonals included, into 8-connected components. This is a union–find: the root of a component is its smallest
// node. A label is only ever replaced by a smaller one, that of an ancestor. So every loop ends, no thread waits for another, and the
// roots do not depend on the order in which threads run.
//
// A thread owns `span` words, the same as in component_runs.wgsl: it joins the runs of each word to those in the row above, and those of its
// first word to those on the left. Within its words, component_runs.wgsl has joined those on the left.
// Source: the lock-free union by atomic minimum of Komura 2015 and Playne & Hawick 2018, here on runs of pixels.
//
// Prelude: none.

struct Params {
  row_words: u32, words: u32, words_in_all: u32, chunk_heat_thresholds: u32, first_map: u32, span: u32,
}

@group(0) @binding(0) var<storage, read> ranges: array<vec4f>;
@group(0) @binding(1) var<storage, read> masks: array<u32>;
@group(0) @binding(2) var<storage, read_write> labels: array<atomic<u32>>;
@group(0) @binding(3) var<uniform> params: Params;

#include runs
#include union
#include words

const ALL = 0xffffffffu;

fn merge(layer: u32, place: u32, column: u32, is_first: bool) {
  let word = layer * params.words + place;
  let mask = masks[word];
  if (mask == 0) {
    return;
  }
  // Words beside this one, empty at the image's edges.
  let left = select(0, masks[max(word, 1) - 1], column > 0);
  let has_above = place >= params.row_words;
  let above = select(0, word - params.row_words, has_above);
  let up = select(0, masks[above], has_above);
  let up_left = select(0, masks[max(above, 1) - 1], has_above && column > 0);
  let joins_left = (mask & 1) == 1 && left >> 31 == 1;
  // Inside a component, as most words of large components are, each join follows from others.
  let is_inside = (mask & up) == ALL && joins_left && up_left >> 31 == 1 && !is_first;
  // A run at the end of this word touches the first pixel of the word above on the right. The join is needed if nothing else makes it.
  let may_touch_right = mask >> 31 == 1 && up >> 31 == 0 && column + 1 < params.row_words && has_above;
  for (var starts = select(run_starts(mask), 0, is_inside); starts != 0; starts &= starts - 1) {
    let first = countTrailingZeros(starts);
    let run = run_from(mask, first);
    let node = node_of(word, mask, first);
    let goes_on = (run & 1) == 1 && joins_left;
    let begins = (run & 1) == 1 && !joins_left;
    let ends = run >> 31 == 1;
    // Each run above that touches this one does so in one piece, so there is one join for each piece. A join is skipped if it already
    // follows from the joins of the word to the left and of the words above.
    let touched = up & (run | (run << 1) | (run >> 1));
    var pieces = run_starts(touched) & select(ALL, ~1u, goes_on && up_left >> 31 == 1);
    // Words beside the one above may touch the run with their nearest pixel.
    var to_left = goes_on && is_first;
    var to_up_left = begins && up_left >> 31 == 1 && (up & 1) == 0;
    var to_up_right = ends && may_touch_right && (masks[word + 1] & 1) == 0 && (masks[above + 1] & 1) == 1;
    while (pieces != 0 || to_left || to_up_left || to_up_right) {
      var other = (above + 1) * 16;
      if (pieces != 0) {
        other = node_of(above, up, countTrailingZeros(pieces));
        pieces &= pieces - 1;
      } else if (to_left) {
        other = node_of(word - 1, left, 31);
        to_left = false;
      } else if (to_up_left) {
        other = node_of(above - 1, up_left, 31);
        to_up_left = false;
      } else {
        to_up_right = false;
      }
      join(node, other);
    }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  if (ranges[params.first_map + id.z / params.chunk_heat_thresholds].w != 0) {
    return;
  }
  let first = (id.x + id.y * workgroups.x * 64) * params.span;
  var at = word_place(first);
  for (var place = first; place < min(first + params.span, params.words); place++) {
    merge(id.z, place, at.column, place == first);
    at = next_word(at);
  }
}
