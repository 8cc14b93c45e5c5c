// Class activation maps: how much each position contributes to each class.
//
//   y[n, c, p] = Σ_d weight[c, d] · x[n, p, d]      no bias
//
//   x       [images, positions, channels]  nhwc4: pixels `first … first + count`, of all images one after the other
//   weight  [classes, lanes]               dense f32, spread over the lanes of a pixel, zeros in padding
//   y       [images, classes, positions]   dense
//
// One workgroup owns 4 pixels and 4 classes. Each lane sums over every LANES-th vec4 group. Then each of 16 lanes adds the sums of all
// lanes for one pixel and class, in order.
// Source: Wang et al. 2017, section 4.2; Zhou et al. 2016.
//
// Prelude: elem, LANES (at least 16). Sums are f32 for every elem.

struct Params {
  first: u32, count: u32, positions: u32, groups: u32, classes: u32,
  x_offset: u32, x_pitch: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> sums: array<vec4f, 4 * LANES>;  // LANES sums for each of 4 pixels, with a component for each class

fn load(pixel: u32, g: u32) -> vec4f {
  let last = params.first + params.count - 1;  // beyond it, the last pixel is computed again and not stored
  return vec4f(x[params.x_offset + min(params.first + pixel, last) * params.x_pitch + g]);
}

fn weights(class_id: u32, g: u32) -> vec4f {
  return weight[min(class_id, params.classes - 1) * params.groups + g];
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let pixel = (workgroup.x + workgroup.y * workgroups.x) * 4;
  let class_id = workgroup.z * 4;

  var a = vec4f(0);
  var b = vec4f(0);
  var c = vec4f(0);
  var d = vec4f(0);
  for (var g = lane; g < params.groups; g += LANES) {
    let w = mat4x4f(weights(class_id, g), weights(class_id + 1, g), weights(class_id + 2, g), weights(class_id + 3, g));
    a += load(pixel, g) * w;
    b += load(pixel + 1, g) * w;
    c += load(pixel + 2, g) * w;
    d += load(pixel + 3, g) * w;
  }

  sums[lane] = a;
  sums[lane + LANES] = b;
  sums[lane + 2 * LANES] = c;
  sums[lane + 3 * LANES] = d;
  workgroupBarrier();

  let mine = pixel + lane / 4;
  let class_mine = class_id + lane % 4;
  if (lane < 16 && mine < params.count && class_mine < params.classes) {
    var sum = 0.0;
    for (var i = 0u; i < LANES; i++) {
      sum += sums[lane / 4 * LANES + i][lane % 4];
    }
    let place = params.first + mine;
    let image = place / params.positions;
    y[(image * params.classes + class_mine) * params.positions + place % params.positions] = sum;
  }
}
