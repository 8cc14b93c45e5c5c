// If a tensor contains a NaN or an infinity, y[0] becomes at least `code`. With CLEAR, y[0] becomes 0 and the tensor is not read.
//
//   y[0] = max(y[0], code)  if any of x's elements has all bits of its exponent set
//
//   x  scalars: `elements` in rows of `width`, `pitch` apart, the first at `first`; padding lanes are checked too      y  [1]
//
// A workgroup owns a chunk; each lane checks every 64th of its elements. It checks their bits, because WGSL lets a compiler assume that no
// number is NaN or infinite. The maximum is taken of integers, so it does not depend on the order.
//
// Prelude: CLEAR.

struct Params {
  first: u32, elements: u32, width: u32, pitch: u32, chunk: u32, code: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<atomic<u32>>;
@group(0) @binding(2) var<uniform> params: Params;

const EXPONENT = 0x7f800000u;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
#if CLEAR
  atomicStore(&y[0], 0);
#else
  let start = (workgroup.x + workgroup.y * workgroups.x) * params.chunk;
  let end = min(start + params.chunk, params.elements);
  var found = false;
  for (var i = start + lane; i < end; i += 64) {
    let row = i / params.width;
    let bits = x[params.first + row * params.pitch + (i - row * params.width)];
    found = found || (bits & EXPONENT) == EXPONENT;
  }
  if (found) {
    atomicMax(&y[0], params.code);
  }
#endif
}
