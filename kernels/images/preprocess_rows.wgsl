// First half of resizing: raw pixels are resized along the columns.
//
//   y[i, k] = Σ_r w(r) · pixels[r, k] / Σ_r w(r)      w(r) = max(0, 1 − |r + ½ − c_i| / scale)
//
// with c_i the centre of output row i in source rows and scale = max(1, source rows per output row). This is Pillow's bilinear filter:
// its triangle widens if the image shrinks, and is cut off at the image's edges.
//
//   pixels   samples of SAMPLE_BITS bits, little-endian in words, row by row, channels interleaved. With ALPHA, every fourth sample is a
//            pixel's alpha. The other three are multiplied by it, which blends them with black, and rounded to whole samples. A pixel
//            is opaque if alpha is white (the largest number of BITS bits) or above
//   centres  c_i of each output row as whole part and fraction's bits; NOWHERE: there is no image, so the output is 0
//   y        dense rows `first … first + rows` of the samples `first_sample … first_sample + samples` of each source row
//
// A thread owns one sample of y, so that neighbouring threads read neighbouring samples.
//
// Prelude: SAMPLE_BITS (8 or 16), BITS (how many of them are used), ALPHA.

struct Params {
  x_offset: u32,      // words before the bound window, negative
  height: u32, row_samples: u32,
  first_sample: u32, samples: u32,
  first: u32, rows: u32,
  radius: u32,        // rows on either side that may have a weight: ⌈scale⌉
  scale: f32,
}

@group(0) @binding(0) var<storage, read> pixels: array<u32>;
@group(0) @binding(1) var<storage, read> centres: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

#include triangle

const PER_WORD = 32 / SAMPLE_BITS;

fn stored(index: u32) -> u32 {
  return extractBits(pixels[params.x_offset + index / PER_WORD], index % PER_WORD * SAMPLE_BITS, SAMPLE_BITS);
}

fn raw(index: u32) -> f32 {
#if ALPHA
  // The products are integers; for samples of 16 bits they stay just below 2³².
  const WHITE = (1u << BITS) - 1;
  return f32((stored(index) * min(stored(index | 3), WHITE) + WHITE / 2) / WHITE);
#else
  return f32(stored(index));
#endif
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  if (index >= params.rows * params.samples) {
    return;
  }
  let row = index / params.samples;
  let at = params.first_sample + index % params.samples;
  let centre = centres[params.first + row];
  var sum = 0.0;
  var weights = 0.0;
  if (centre.x != NOWHERE) {
    let last = min(centre.x + params.radius, params.height - 1);
    for (var r = centre.x - min(centre.x, params.radius); r <= last; r++) {
      let weight = triangle(r, centre, params.scale);
      sum += weight * raw(r * params.row_samples + at);
      weights += weight;
    }
  }
  y[index] = sum / max(weights, 1e-30);
}
