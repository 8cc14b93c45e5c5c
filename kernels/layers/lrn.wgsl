// Local response normalisation across channels.
//
//   y[p, c] = x[p, c] / (k + scale · Σ_j x[p, j]²)^β      j from c − below to c + above, within 0 … channels − 1; scale = α/size
//
//   x, y  nhwc4 pixels `first … first + count`, x read by lanes; padding lanes stay zero because k > 0
//
// A thread owns four channels. Their windows overlap, so each lane is read once and added to the sums of all windows that contain it.
// Source: Krizhevsky et al. 2012, section 3.3; the window and α/size are as in PyTorch.
//
// Prelude: elem. The sum is f32.

struct Params {
  first: u32, count: u32, groups: u32,
  x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
  channels: i32, below: i32, above: i32,
  scale: f32, beta: f32, k: f32,
}

@group(0) @binding(0) var<storage, read> x: array<elem>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<elem>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.groups;
  let pixel = params.first + index / params.groups;
  if (pixel >= params.first + params.count) {
    return;
  }
  let base = (params.x_offset + pixel * params.x_pitch) * 4;
  let own = vec4i(i32(group) * 4) + vec4i(0, 1, 2, 3);
  var sum = vec4f(0);
  for (var j = max(own.x - params.below, 0); j <= min(own.w + params.above, params.channels - 1); j++) {
    let value = f32(x[base + u32(j)]);
    let reached = (vec4i(j) >= own - params.below) & (vec4i(j) <= own + params.above);
    sum += select(vec4f(0), vec4f(value * value), reached);
  }
  let at = base + group * 4;
  let value = vec4f(vec4<elem>(x[at], x[at + 1], x[at + 2], x[at + 3]));
  y[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(value / pow(params.k + params.scale * sum, vec4f(params.beta)));
}
