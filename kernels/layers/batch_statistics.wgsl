// Mean and summed squared deviation of each channel over a chunk of pixels.
//
//   partial[chunk, 0, c] = mean_p x[p, c]      partial[chunk, 1, c] = Σ_p (x[p, c] − mean)²      partial[chunk, 2, c] = pixels
//
//   x  nhwc4; chunks of the pixels `first … first + count`      partial  [chunks, 3, groups] vec4s
//
// A lane sums differences from its first value, so that a large mean costs no digits. The lanes are then merged pairwise in a fixed tree.
// A workgroup owns 8 vec4 groups of one chunk; lanes along y take every 8th pixel.
// Source of the merging: Chan, Golub & LeVeque 1979.
//
// Prelude: elem.

#include moments

struct Params {
  first: u32, count: u32, chunk: u32, first_chunk: u32, groups: u32,
  x_offset: u32, x_pitch: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> partial: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> all: array<Moments, 64>;

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) lane: vec3u, @builtin(local_invocation_index) own: u32) {
  let group = min(workgroup.x * 8 + lane.x, params.groups - 1);
  let start = params.first + workgroup.y * params.chunk + lane.y;
  let end = min(params.first + (workgroup.y + 1) * params.chunk, params.first + params.count);
  var count = 0.0;
  var sum = vec4f(0);
  var squares = vec4f(0);
  let base = vec4f(x[params.x_offset + min(start, end - 1) * params.x_pitch + group]);
  for (var p = start; p < end; p += 8) {
    let d = vec4f(x[params.x_offset + p * params.x_pitch + group]) - base;
    sum += d;
    squares += d * d;
    count += 1;
  }
  let n = max(count, 1);
  all[own] = Moments(count, base + sum / n, max(squares - sum * sum / n, vec4f(0)));
  for (var half = 4u; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane.y < half) {
      all[own] = merge(all[own], all[own + half * 8]);
    }
  }
  if (lane.y == 0 && workgroup.x * 8 + lane.x < params.groups) {
    let to = (params.first_chunk + workgroup.y) * 3 * params.groups + group;
    partial[to] = all[own].mean;
    partial[to + params.groups] = all[own].squares;
    partial[to + 2 * params.groups] = vec4f(all[own].count);
  }
}
