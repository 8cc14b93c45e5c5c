// The last step of a convolution by Winograd's method: transforms the products of each tile into outputs.
//
//   y[tile] = act( bias + Aᵀ m A + residual )      m  the SIDE × SIDE products of the tile, sums over input channels
//
//   products     [SIDE², tiles, out_groups · 4]  f32 always; params.matrix vec4s from one product to the next
//   residual, y  nhwc4; the pixels `first … first + count` are whole rows of tiles
//
// A thread owns one channel of a tile, as in winograd_input.wgsl. Outputs beyond the image are not written.
//
// Prelude: elem; BIAS, RESIDUAL, ACTIVATION as in conv2d_direct.wgsl; TILE, FOUR, ROLLED as in include/winograd.wgsl.

#include conv2d_params
#include activation
#include winograd

@group(0) @binding(0) var<storage, read> products: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> residual: array<elem>;
@group(0) @binding(5) var<storage, read_write> y: array<elem>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let channel = index % (params.out_groups * 4);
  let tile = tile_of(index / (params.out_groups * 4));
  let corner = (tile.image * params.out_h + tile.y) * params.out_w + tile.x;
  if (corner >= params.first + params.count) {
    return;
  }
  let begin = first_step(tile);
  var rows: array<Inputs, TILE>;  // first transformed along y
  for (var step = begin; step < begin + SIDE; step++) {
    var column: Inputs;
    for (var r = 0u; r < SIDE; r++) {
      column[r] = products[(r * SIDE + step - begin) * params.matrix * 4 + index];
    }
    let outputs = to_outputs(column);
    for (var r = 0u; r < TILE; r++) {
      rows[r] = push(rows[r], outputs[r]);
    }
  }
#if BIAS
  let own_bias = bias[channel];
#endif
  for (var step = begin; step < begin + TILE; step++) {
    let row = to_outputs(rows[0]);
    for (var c = 0u; c < TILE; c++) {
      let r = step - begin;
      if (tile.y + r >= params.out_h || tile.x + c >= params.out_w) {
        continue;
      }
      let pixel = corner + r * params.out_w + c;
      var value = row[c];
#if BIAS
      value += own_bias;
#endif
#if RESIDUAL
      value += f32(residual[(params.r_offset + pixel * params.r_pitch) * 4 + channel]);
#endif
      y[(params.y_offset + pixel * params.y_pitch) * 4 + channel] = elem(activate(vec4f(value), params.act_a, params.act_b).x);
    }
    for (var r = 1u; r < TILE; r++) {
      rows[r - 1] = rows[r];
    }
  }
}
