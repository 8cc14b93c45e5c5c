// Resizing along one axis with a triangle filter, which widens if the image shrinks. Two passes resize an image.
//
//   y[o] = Σ_i w(i) · x[i] / Σ_i w(i)      w(i) = max(0, scale − |i + ½ − (o + ½) · in / out|),  scale = max(1, in / out)
//
// Weights are multiplied by 2 · out, so that they are integers and exact however long the axis is.
//
//   x, y  as in resize.wgsl, seen as [outer, size along the axis, inner]; a band of output pixels `first … first + count`
//
// A thread owns one item. In the pass along the columns, neighbouring threads read neighbouring items.
// Source: Pillow's bilinear filter (ImagingResample).
//
// Prelude: elem, DENSE.

struct Params {
  first: u32, count: u32, groups: u32,
  x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
  in_size: i32, out_size: i32, inner: u32,
}

#include map

@group(0) @binding(0) var<storage, read> x: array<item>;
@group(0) @binding(1) var<storage, read_write> y: array<item>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.groups;
  let pixel = params.first + index / params.groups;
  if (pixel >= params.first + params.count) {
    return;
  }
  let position = pixel / params.inner;
  let outer = position / u32(params.out_size);
  let o = i32(position - outer * u32(params.out_size));
  let first = outer * u32(params.in_size) * params.inner + pixel % params.inner;

  let centre = (2 * o + 1) * params.in_size;
  let half_width = 2 * max(params.in_size, params.out_size);
  // The first i with (2i + 1) · out > centre − half_width.
  let before = centre - half_width - params.out_size;
  var sum = wide(0);
  var weights = 0.0;
  for (var i = select(0, before / (2 * params.out_size) + 1, before >= 0); i < params.in_size; i++) {
    let weight = half_width - abs((2 * i + 1) * params.out_size - centre);
    if (weight <= 0) {
      break;
    }
    sum += f32(weight) * wide(x[params.x_offset + (first + u32(i) * params.inner) * params.x_pitch + group]);
    weights += f32(weight);
  }
  y[params.y_offset + pixel * params.y_pitch + group] = item(sum / weights);
}
