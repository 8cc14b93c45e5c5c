// Backward pass of log-sum-exp pooling: the softmax of r · x over the positions.
//
//   dx[n, p, c] = dy[n, c] · exp(r · (x[n, p, c] − m)) / Σ_q exp(r · (x[n, q, c] − m))      m = max_q x[n, q, c]
//
// At r = 0 the softmax is 1 / positions everywhere; as r → ∞ it is shared by the positions that have the maximum. It is not computed from
// y, because the exponent would multiply the rounding error of y by r.
//
//   x, dx  [batch, positions, channels]  nhwc4; dx of the same type      dy  [batch, channels]  nhwc4, f32
//
// One workgroup owns four channels of one image. Each lane takes every LANES-th position; maximum and sum are merged pairwise in a fixed
// tree.
//
// Prelude: LANES (power of two), elem.

struct Params {
  positions: u32, groups: u32,
  first: u32,  // first image of the band
  x_offset: u32, x_pitch: u32, dy_offset: u32, dy_pitch: u32, dx_offset: u32, dx_pitch: u32,
  r: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4<elem>>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> shared_values: array<vec4f, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = workgroup.x;
  let image = params.first + workgroup.y;
  let origin = params.x_offset + image * params.positions * params.x_pitch + group;
  let to = params.dx_offset + image * params.positions * params.dx_pitch + group;

  var peak = vec4f(-0x1.fffffep+127);
  for (var p = lane; p < params.positions; p += LANES) {
    peak = max(peak, vec4f(x[origin + p * params.x_pitch]));
  }
  shared_values[lane] = peak;
  for (var half = LANES / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      shared_values[lane] = max(shared_values[lane], shared_values[lane + half]);
    }
  }
  workgroupBarrier();
  peak = shared_values[0];
  workgroupBarrier();

  var sum = vec4f(0);
  for (var p = lane; p < params.positions; p += LANES) {
    sum += exp(params.r * (vec4f(x[origin + p * params.x_pitch]) - peak));
  }
  shared_values[lane] = sum;
  for (var half = LANES / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      shared_values[lane] += shared_values[lane + half];
    }
  }
  workgroupBarrier();
  let factor = dy[params.dy_offset + image * params.dy_pitch + group] / shared_values[0];
  for (var p = lane; p < params.positions; p += LANES) {
    let value = exp(params.r * (vec4f(x[origin + p * params.x_pitch]) - peak));
    dx[to + p * params.dx_pitch] = vec4<elem>(factor * value);
  }
}
