// Adds a micro-batch's gradient to those before it, in place.
//
//   sum = keep · sum + share · gradient      keep  0 for the first micro-batch, which forgets what was there, else 1
//
//   sum, gradient  one dense tensor, taken as vec4s      hyper  keep, share
//
// A thread owns one vec4. What the last one holds beyond the end is alignment.

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read_write> sum: array<vec4f>;
@group(0) @binding(1) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(2) var<storage, read> hyper: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let i = id.x + id.y * workgroups.x * 64;
  if (i >= params.count) {
    return;
  }
  // Not a product with 0, which would keep a NaN.
  let kept = select(vec4f(0), sum[i], hyper[0] > 0);
  sum[i] = kept + hyper[1] * gradient[i];
}
