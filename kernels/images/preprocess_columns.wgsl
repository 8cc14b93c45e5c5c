// Second half of resizing, along the rows, and normalisation.
//
//   y[p, o] = bias_o + Σ_s matrix[o, s] · v_s      v_s = Σ_c w(c) · x[row, c, s] / Σ_c w(c)      w as in preprocess_rows
//
// The matrix expands, reduces or reorders channels, and contains the raw scale and 1 / std; the bias is −mean / std. Where the square does
// not show the image, v is 0, which is black. The fourth source channel, alpha, is not read: preprocess_rows.wgsl has applied it.
//
//   x        dense rows of `columns` pixels of CHANNELS samples; column 0 is the image's column `first_column`
//   centres  for each output column its centre in image columns, as in preprocess_rows
//   y        one vec4 for each pixel; output pixels `first … first + count`, which are whole rows
//
// A thread owns one pixel of y.
//
// Prelude: elem, CHANNELS (1, 3 or 4).

struct Params {
  first: u32, count: u32, size: u32,
  y_offset: u32, y_pitch: u32,
  width: u32, first_column: u32, columns: u32,
  radius: u32, scale: f32,
  r0: f32, g0: f32, b0: f32, bias0: f32,  // matrix row and bias of output channel 0
  r1: f32, g1: f32, b1: f32, bias1: f32,
  r2: f32, g2: f32, b2: f32, bias2: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> centres: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<elem>>;
@group(0) @binding(3) var<uniform> params: Params;

#include triangle

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  if (index >= params.count) {
    return;
  }
  let row = index / params.size;
  let centre = centres[index % params.size];
  var sum = vec3f(0);
  var weights = 0.0;
  if (centre.x != NOWHERE) {
    let last = min(centre.x + params.radius, params.width - 1);
    for (var c = centre.x - min(centre.x, params.radius); c <= last; c++) {
      let weight = triangle(c, centre, params.scale);
      let at = (row * params.columns + c - params.first_column) * CHANNELS;
      if (CHANNELS == 1) {
        sum.x += weight * x[at];
      } else {
        sum += weight * vec3f(x[at], x[at + 1], x[at + 2]);
      }
      weights += weight;
    }
  }
  let value = sum / max(weights, 1e-30);
  y[params.y_offset + (params.first + index) * params.y_pitch] = vec4<elem>(vec4f(
    dot(vec3f(params.r0, params.g0, params.b0), value) + params.bias0,
    dot(vec3f(params.r1, params.g1, params.b1), value) + params.bias1,
    dot(vec3f(params.r2, params.g2, params.b2), value) + params.bias2,
    0,
  ));
}
