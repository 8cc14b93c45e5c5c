// Network input from stored grey images. Each image has its own random rotation, shift, contrast and brightness.
//
//   y[n, p, o] = gain_o · t + bias_o      t = clamp(contrast_n · (v − ½) + ½ + brightness_n, 0, 1)
//   v = x_n(A_n · (p − m) + s_n + m)      m = (size − 1) / 2, the middle; bilinear; beyond an edge, the value at the edge
//
// p is (column, row) in whole pixels, so that A = 1, s = 0 gives every stored pixel exactly. gain and bias normalise.
//
//   x      samples of 16 bits, little-endian in words of 32 bits, `words` words for each image
//   views  for each image two vec4s: A row by row; then s (column, row), contrast, brightness
//   y      one vec4 for each pixel; pixels `first … first + count`
//
// A thread owns one pixel of y.
//
// Prelude: elem.

struct Params {
  first: u32, count: u32, size: u32, words: u32,
  x_offset: u32, y_offset: u32, y_pitch: u32,
  gain0: f32, bias0: f32, gain1: f32, bias1: f32, gain2: f32, bias2: f32,  // 0 for channels that y does not have
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> views: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<elem>>;
@group(0) @binding(3) var<uniform> params: Params;

fn stored(image: u32, at: vec2u) -> f32 {
  let index = at.y * params.size + at.x;
  let word = x[params.x_offset + image * params.words + index / 2];
  return f32(extractBits(word, index % 2 * 16, 16)) / 65535;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  if (index >= params.count) {
    return;
  }
  let pixel = params.first + index;
  let area = params.size * params.size;
  let image = pixel / area;
  let turn = views[image * 2];
  let rest = views[image * 2 + 1];

  let last = f32(params.size - 1);
  let p = vec2f(f32(pixel % params.size), f32(pixel % area / params.size)) - last / 2;
  let place = clamp(vec2f(dot(turn.xy, p), dot(turn.zw, p)) + rest.xy + last / 2, vec2f(0), vec2f(last));
  let whole = floor(place);
  let part = place - whole;
  let near = vec2u(whole);
  let far = min(near + 1, vec2u(params.size - 1));
  let upper = mix(stored(image, near), stored(image, vec2u(far.x, near.y)), part.x);
  let lower = mix(stored(image, vec2u(near.x, far.y)), stored(image, far), part.x);
  let value = mix(upper, lower, part.y);

  let tone = clamp(rest.z * (value - 0.5) + 0.5 + rest.w, 0, 1);
  let gain = vec4f(params.gain0, params.gain1, params.gain2, 0);
  let bias = vec4f(params.bias0, params.bias1, params.bias2, 0);
  y[params.y_offset + pixel * params.y_pitch] = vec4<elem>(gain * tone + bias);
}
