// The last step of a convolution by Winograd's method: transforms the products of each tile into outputs.
//
//   y[tile] = act( bias + Aᵀ m A + residual )      m  the SIDE × SIDE products of the tile, sums over input channels
//
//   products     [SIDE², tiles, out_groups · 4]  f32 always; params.matrix vec4s from one product to the next
//   residual, y  nhwc4; the pixels `first … first + count` are whole rows of tiles
//
// A thread owns one channel of a tile, as in winograd_input.wgsl. Outputs beyond the image are not written.
//
// Prelude: elem; BIAS, RESIDUAL, ACTIVATION as in conv2d_direct.wgsl; TILE, FOUR (whether it is 4).

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
  var rows: array<Inputs, TILE>;  // first transformed along y
  for (var c = 0u; c < SIDE; c++) {
    var column: Inputs;
    for (var r = 0u; r < SIDE; r++) {
      column[r] = products[(r * SIDE + c) * params.matrix * 4 + index];
    }
    let outputs = to_outputs(column);
    for (var r = 0u; r < TILE; r++) {
      rows[r][c] = outputs[r];
    }
  }
  // Loops with constant ends are unrolled, so that the arrays stay in registers.
  for (var r = 0u; r < TILE; r++) {
    let row = to_outputs(rows[r]);
    for (var c = 0u; c < TILE; c++) {
      if (tile.y + r >= params.out_h || tile.x + c >= params.out_w) {
        continue;
      }
      let pixel = corner + r * params.out_w + c;
      var value = row[c];
#if BIAS
      value += bias[channel];
#endif
#if RESIDUAL
      value += f32(residual[(params.r_offset + pixel * params.r_pitch) * 4 + channel]);
#endif
      y[(params.y_offset + pixel * params.y_pitch) * 4 + channel] = elem(activate(vec4f(value), params.act_a, params.act_b).x);
    }
  }
}
