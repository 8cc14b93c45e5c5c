// The params that all convolution kernels share.

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
  matrix: u32,  // if the images have different weights, as in Winograd's products: vec4s from the weights of one image to the next; else 0
  splits: u32,  // parts into which sums are split; 0 if they are not
  x_scale: f32, x_zero: i32,  // only of conv2d_int8: an input is (integer − x_zero) · x_scale
}

@group(0) @binding(6) var<uniform> params: Params;
