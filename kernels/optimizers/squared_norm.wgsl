// Sum of the squares of a tensor: partial sums of its chunks or, with LAST, the total of the partial sums.
//
//   y[chunk] = Σ_{i in chunk} x[i]²      with LAST      y[0] = before[0] + Σ_i x[i]
//
//   x  dense scalars      before  [1], the sum for earlier tensors, with BEFORE
//
// A workgroup owns one chunk. Each lane takes every 256th element, and lanes are merged pairwise in a fixed tree.
//
// Prelude: LAST, BEFORE.

struct Params {
  elements: u32, chunk: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> before: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let end = min((workgroup.x + 1) * params.chunk, params.elements);
  var sum = 0.0;
  for (var i = workgroup.x * params.chunk + lane; i < end; i += 256) {
#if LAST
    sum += x[i];
#else
    sum += x[i] * x[i];
#endif
  }
  sums[lane] = sum;
  for (var half = 128u; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      sums[lane] += sums[lane + half];
    }
  }
  if (lane == 0) {
#if BEFORE
    y[workgroup.x] = before[0] + sums[0];
#else
    y[workgroup.x] = sums[0];
#endif
  }
}
