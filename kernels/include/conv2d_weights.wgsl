// The weights of one vec4 of input channels, for kernels that read them from memory. Needs conv2d.wgsl; prelude: TEXELS, texels in a row of the
// texture that holds the weights, or 0 if a buffer does.

#if TEXELS
@group(0) @binding(1) var w: texture_storage_2d<rgba32float, read>;
#else
@group(0) @binding(1) var<storage, read> w: array<vec4<elem>>;
#endif

fn load_weights(at: u32) -> mat4x4f {
  return mat4x4f(load_weight(at, 0), load_weight(at, 1), load_weight(at, 2), load_weight(at, 3));
}

fn load_weight(at: u32, lane: u32) -> vec4f {
  if (lane >= LANES) {
    return vec4f(0);
  }
  let place = at + lane * params.out_groups;
#if TEXELS
  return textureLoad(w, vec2u(place % TEXELS, place / TEXELS));
#else
  return vec4f(w[place]);
#endif
}
