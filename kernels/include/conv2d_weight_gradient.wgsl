// What the kernels of a convolution's weight gradient share: params, bindings, and storing partial sums.

struct Params {
  first: u32, count: u32, chunk: u32, first_chunk: u32,
  in_h: i32, in_w: i32, out_h: u32, out_w: u32,
  kernel_h: u32, kernel_w: u32, stride_h: i32, stride_w: i32, dilation_h: i32, dilation_w: i32,
  pad_top: i32, pad_left: i32,
  in_groups: u32,      // vec4 groups of x in one convolution group
  out_groups: u32,     // all vec4 groups of dy
  group_outputs: u32,  // vec4 groups of dy in one convolution group
  x_offset: u32, x_pitch: u32, dy_offset: u32, dy_pitch: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> dy: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

// A row is one vec4 of input channels of one tap.
fn row_count() -> u32 {
  return params.kernel_h * params.kernel_w * params.in_groups;
}

struct Tap {
  shift_y: i32, shift_x: i32,  // from the corner of a window to the pixel of x that the tap reads
}

fn tap_of(row: u32) -> Tap {
  let index = row / params.in_groups;
  return Tap(
    i32(index / params.kernel_w) * params.dilation_h - params.pad_top,
    i32(index % params.kernel_w) * params.dilation_w - params.pad_left,
  );
}

// Four input channels × the four output channels of one vec4 of dy.
fn store(chunk: u32, row: u32, out: u32, sum0: vec4f, sum1: vec4f, sum2: vec4f, sum3: vec4f) {
  if (row >= row_count() || out >= params.out_groups) {
    return;
  }
  let to = ((params.first_chunk + chunk) * row_count() + row) * 4 * params.out_groups + out;
  partial[to] = sum0;
  partial[to + params.out_groups] = sum1;
  partial[to + 2 * params.out_groups] = sum2;
  partial[to + 3 * params.out_groups] = sum3;
}
