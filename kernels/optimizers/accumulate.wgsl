// Adds the gradient of a micro-batch to the sum of those before it, in place.
//
//   sum = keep · sum + share · gradient      keep  0 for the first micro-batch, so that the old sum is dropped; else 1
//
//   sum, gradient  dense tensors of one shape, read as vec4s      hyper  keep, share
//
// A thread owns one vec4. Elements of the last one beyond the end are padding.

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
  // The sum is not multiplied by 0, because NaN · 0 is NaN.
  let kept = select(vec4f(0), sum[i], hyper[0] > 0);
  sum[i] = kept + hyper[1] * gradient[i];
}
