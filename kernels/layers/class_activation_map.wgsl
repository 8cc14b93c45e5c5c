// Class activation maps: how much each position contributes to each class.
//
//   y[n, c, p] = Σ_d weight[c, d] · x[n, p, d]      no bias
//
//   x       [images, positions, channels]  nhwc4: pixels `first … first + count`, of all images one after the other
//   weight  [classes, lanes]               dense f32, spread over the lanes of a pixel, zeros in padding
//   y       [images, classes, positions]   dense
//
// One workgroup owns 4 pixels and 4 classes. Each lane sums over every LANES-th vec4 group. With SUBGROUPS, where the workgroup is one
// subgroup, lanes are then merged in pairs, in a fixed tree. Otherwise each of 16 lanes adds the sums of all lanes for one pixel and class, in order.
// Source: Wang et al. 2017, section 4.2; Zhou et al. 2016.
//
// Prelude: elem, SUBGROUPS, LANES (a power of two; at least 16 without SUBGROUPS). Sums are f32 for every elem.

struct Params {
  first: u32, count: u32, positions: u32, groups: u32, classes: u32,
  x_offset: u32, x_pitch: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

#if !SUBGROUPS
var<workgroup> sums: array<vec4f, 4 * LANES>;  // LANES sums for each of 4 pixels, with a component for each class
#endif

fn load(pixel: u32, g: u32) -> vec4f {
  let last = params.first + params.count - 1;  // beyond it, the last pixel is computed again and not stored
  return vec4f(x[params.x_offset + min(params.first + pixel, last) * params.x_pitch + g]);
}

fn weights(class_id: u32, g: u32) -> vec4f {
  return weight[min(class_id, params.classes - 1) * params.groups + g];
}

fn store(pixel: u32, class_id: u32, sum: f32) {
  if (pixel < params.count && class_id < params.classes) {
    let place = params.first + pixel;
    let image = place / params.positions;
    y[(image * params.classes + class_id) * params.positions + place % params.positions] = sum;
  }
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
#if SUBGROUPS
    // The loop does not begin with a constant, so that no compiler unrolls it: one place that loads a pixel is faster to compile.
    for (var p = pixel; p < pixel + 4; p++) {
      let next = a + load(p, g) * w;
      a = b;
      b = c;
      c = d;
      d = next;
    }
#else
    a += load(pixel, g) * w;
    b += load(pixel + 1, g) * w;
    c += load(pixel + 2, g) * w;
    d += load(pixel + 3, g) * w;
#endif
  }

#if SUBGROUPS
  for (var half = LANES / 2; half > 0; half /= 2) {
    a += subgroupShuffleXor(a, half);
    b += subgroupShuffleXor(b, half);
    c += subgroupShuffleXor(c, half);
    d += subgroupShuffleXor(d, half);
  }
  // Every lane has all sums. It stores those of its own pixel and class, of several if there are fewer lanes than 16.
  for (var own = lane; own < 16; own += LANES) {
    let low = select(a, b, own / 4 == 1);
    let high = select(c, d, own / 4 == 3);
    store(pixel + own / 4, class_id + own % 4, select(low, high, own >= 8)[own % 4]);
  }
#else
  sums[lane] = a;
  sums[lane + LANES] = b;
  sums[lane + 2 * LANES] = c;
  sums[lane + 3 * LANES] = d;
  workgroupBarrier();

  if (lane < 16) {
    var sum = 0.0;
    for (var i = 0u; i < LANES; i++) {
      sum += sums[lane / 4 * LANES + i][lane % 4];
    }
    store(pixel + lane / 4, class_id + lane % 4, sum);
  }
#endif
}
