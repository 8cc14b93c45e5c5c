// Gradient of batch norm by its input, if it uses the batch's own statistics. The gradient also flows through the statistics.
//
//   dx = scale · (dy − shift − (x − mean) · slope)      scale = γ / √(σ² + ε),  shift = Σ dy / N,  slope = Σ dy·x̂ / (N · √(σ² + ε))
//
//   dy, x, dx  nhwc4 pixels `first … first + count`      rows  scale, mean, shift and slope of each lane, of batch_norm_gradient_rows
//
// A thread owns one vec4. Source: Ioffe & Szegedy 2015, section 3.
//
// Prelude: elem.

struct Params {
  first: u32, count: u32, groups: u32,
  dy_offset: u32, dy_pitch: u32, x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32,
}

@group(0) @binding(0) var<storage, read> dy: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read> rows: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4<elem>>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.groups;
  let pixel = params.first + index / params.groups;
  if (pixel >= params.first + params.count) {
    return;
  }
  let d = vec4f(dy[params.dy_offset + pixel * params.dy_pitch + group]);
  let centred = vec4f(x[params.x_offset + pixel * params.x_pitch + group]) - rows[params.groups + group];
  let value = rows[group] * (d - rows[2 * params.groups + group] - centred * rows[3 * params.groups + group]);
  dx[params.y_offset + pixel * params.y_pitch + group] = vec4<elem>(value);
}
