// Backward pass of local response normalisation, y = x · s^−β with s[c] = k + scale · Σ_j x[j]².
//
//   dx[c] = dy[c] · s[c]^−β − 2 · scale · β · x[c] · Σ_i dy[i] · x[i] · s[i]^−(β+1)      i over the channels whose windows contain c
//
//   x, dy, dx  nhwc4 pixels `first … first + count`, x and dy read by lanes; windows as in lrn.wgsl
//
// A thread owns four channels of one pixel. It sums each window from the start, which is fast enough: networks have this layer once or
// twice, on few channels.
//
// Prelude: elem. Sums are f32.

struct Params {
  first: u32, count: u32, groups: u32,
  x_offset: u32, x_pitch: u32, dy_offset: u32, dy_pitch: u32, y_offset: u32, y_pitch: u32,
  channels: i32, below: i32, above: i32,
  scale: f32, beta: f32, k: f32,
}

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read> dy: array<elem>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<elem>>;
@group(0) @binding(3) var<uniform> params: Params;

fn square_sum(base: u32, c: i32) -> f32 {
  var sum = 0.0;
  for (var j = max(c - params.below, 0); j <= min(c + params.above, params.channels - 1); j++) {
    let value = f32(x[base + u32(j)]);
    sum += value * value;
  }
  return params.k + params.scale * sum;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.groups;
  let pixel = params.first + index / params.groups;
  if (pixel >= params.first + params.count) {
    return;
  }
  let origin = (params.x_offset + pixel * params.x_pitch) * 4;
  let slope = (params.dy_offset + pixel * params.dy_pitch) * 4;
  var result = vec4f(0);
  for (var lane = 0; lane < 4; lane++) {
    let c = i32(group) * 4 + lane;
    if (c >= params.channels) {
      break;
    }
    var sum = 0.0;
    for (var i = max(c - params.above, 0); i <= min(c + params.below, params.channels - 1); i++) {
      sum += f32(dy[slope + u32(i)]) * f32(x[origin + u32(i)]) * pow(square_sum(origin, i), -params.beta - 1);
    }
    let own = f32(dy[slope + u32(c)]) * pow(square_sum(origin, c), -params.beta);
    result[lane] = own - 2 * params.scale * params.beta * f32(x[origin + u32(c)]) * sum;
  }
  dx[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(result);
}
