// Adds a share of a tensor to what is kept of a sum, in place: the gradients of micro-batches, or a parameter and its moving average.
//
//   sum = keep · sum + share · added      keep  0: the old sum is dropped; 1: it stays as it is
//
//   sum, added  dense tensors of one shape, read as vec4s      hyper  keep, share
//
// A thread owns one vec4. Elements of the last one beyond the end are padding.

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read_write> sum: array<vec4f>;
@group(0) @binding(1) var<storage, read> added: array<vec4f>;
@group(0) @binding(2) var<storage, read> hyper: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let i = id.x + id.y * workgroups.x * 64;
  if (i >= params.count) {
    return;
  }
  // The sum is not multiplied by 0, because NaN · 0 is NaN.
  let kept = select(vec4f(0), hyper[0] * sum[i], hyper[0] > 0);
  sum[i] = kept + hyper[1] * added[i];
}
