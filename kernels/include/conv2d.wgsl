// What the convolution kernels share: params, bindings except for the weights (binding 1), the input position of each output pixel,
// loading with the prologue, and storing with the epilogue.

struct Params {
  first: u32, count: u32,
  in_h: u32, in_w: u32, out_h: u32, out_w: u32,
  kernel_h: u32, kernel_w: u32, stride_h: u32, stride_w: u32, dilation_h: u32, dilation_w: u32,
  pad_top: u32, pad_left: u32,
  in_groups: u32,       // vec4 groups of input channels in one convolution group (conv2d_grouped: channels)
  outputs: u32, out_groups: u32,  // all output channels, and their vec4 groups
  group_outputs: u32,   // vec4 groups of output channels in one convolution group (conv2d_grouped: channels)
  x_offset: u32, x_pitch: u32, y_offset: u32, y_pitch: u32, r_offset: u32, r_pitch: u32,
  act_a: f32, act_b: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> residual: array<vec4<elem>>;
#if PROLOGUE
@group(0) @binding(4) var<storage, read> affine: array<vec4f>;
#endif
@group(0) @binding(5) var<storage, read_write> y: array<vec4<elem>>;
@group(0) @binding(6) var<uniform> params: Params;

struct Place {
  image: u32,       // first pixel of its image, in input pixels
  y: u32, x: u32,   // position of the top left tap; a negative one wraps to a large number, so one comparison tells whether it is inside
}

fn place(pixel: u32) -> Place {
  return place_of(params.first + min(pixel, params.count - 1));
}

fn place_of(p: u32) -> Place {
  let row = p / params.out_w;
  let image = row / params.out_h;
  return Place(
    image * params.in_h * params.in_w,
    (row - image * params.out_h) * params.stride_h - params.pad_top,
    (p - row * params.out_w) * params.stride_w - params.pad_left,
  );
}

struct Tap {
  at: u32,        // vec4 index of the pixel's first group
  inside: bool,
}

fn tap(place: Place, ky: u32, kx: u32) -> Tap {
  let y = place.y + ky * params.dilation_h;
  let x = place.x + kx * params.dilation_w;
  let inside = y < params.in_h && x < params.in_w;
#if PADDED
  let pixel = place.image + select(0, y * params.in_w + x, inside);
#else
  let pixel = place.image + y * params.in_w + x;
#endif
  return Tap(params.x_offset + pixel * params.x_pitch, inside);
}

fn load(tap: Tap, group: u32) -> vec4f {
#if PADDED
  // This also keeps reads inside the bound range of the buffer: a tap outside the image may belong to a pixel outside of that range.
  if (!tap.inside) {
    return vec4f(0);
  }
#endif
  let value = vec4f(x[tap.at + group]);
#if PROLOGUE
  let shifted = value * affine[group] + affine[group + arrayLength(&affine) / 2];
  return select(shifted, max(shifted, vec4f(0)), PROLOGUE == 2);
#else
  return value;
#endif
}

fn store(pixel: u32, out: u32, sum: vec4f) {
  if (pixel >= params.count) {
    return;
  }
  var value = sum;
#if BIAS
  value += bias[out];
#endif
#if RESIDUAL
  value += vec4f(residual[params.r_offset + (params.first + pixel) * params.r_pitch + out]);
#endif
  y[params.y_offset + (params.first + pixel) * params.y_pitch + out] = vec4<elem>(activate(value, params.act_a, params.act_b));
}
