// Finds the tap of each window that has the maximum, or the first such tap. The backward pass of max pooling needs it.
//
//   taps[p, c] = first k = ky · kernel_w + kx with x[window p, k, c] = max      p  output pixel, as in pool.wgsl
//
//   x  nhwc4      taps  [count, groups] vec4s of u32, dense
//
// A thread owns one vec4.
//
// Prelude: elem.

struct Params {
  first: u32, count: u32, groups: u32,
  x_offset: u32, x_pitch: u32,
  in_h: i32, in_w: i32, out_h: u32, out_w: u32,
  kernel_h: i32, kernel_w: i32, stride_h: u32, stride_w: u32, dilation_h: i32, dilation_w: i32,
  pad_top: i32, pad_left: i32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> taps: array<vec4u>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let group = index % params.groups;
  let pixel = params.first + index / params.groups;
  if (pixel >= params.first + params.count) {
    return;
  }
  let row = pixel / params.out_w;
  let image = row / params.out_h;
  let top = i32((row - image * params.out_h) * params.stride_h) - params.pad_top;
  let left = i32((pixel - row * params.out_w) * params.stride_w) - params.pad_left;
  let first = params.x_offset + image * u32(params.in_h * params.in_w) * params.x_pitch + group;

  var peak = vec4f(-0x1.fffffep+127);
  var found = vec4u(0xffffffff);
  for (var ky = 0; ky < params.kernel_h; ky++) {
    let iy = top + ky * params.dilation_h;
    if (iy < 0 || iy >= params.in_h) {
      continue;
    }
    for (var kx = 0; kx < params.kernel_w; kx++) {
      let ix = left + kx * params.dilation_w;
      if (ix < 0 || ix >= params.in_w) {
        continue;
      }
      let value = vec4f(x[first + u32(iy * params.in_w + ix) * params.x_pitch]);
      let better = (value > peak) | (found == vec4u(0xffffffff));
      found = select(found, vec4u(u32(ky * params.kernel_w + kx)), better);
      peak = select(peak, value, better);
    }
  }
  taps[(pixel - params.first) * params.groups + group] = found;
}
