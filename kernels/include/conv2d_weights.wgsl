// The weights of one vec4 of input channels, for kernels that read them from memory. They need the binding `w` and conv2d.wgsl.

fn load_weights(at: u32) -> mat4x4f {
  return mat4x4f(load_weight(at, 0), load_weight(at, 1), load_weight(at, 2), load_weight(at, 3));
}

fn load_weight(at: u32, lane: u32) -> vec4f {
  if (lane >= LANES) {
    return vec4f(0);
  }
  return vec4f(w[at + lane * params.out_groups]);
}
