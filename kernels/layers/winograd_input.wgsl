// The first step of a convolution by Winograd's method: transforms the inputs of each tile.
//
//   v[k, tile, c] = (Bᵀ d B)[k]      d = pre(x) of channel c for the SIDE × SIDE pixels around the tile, 0 outside of the image
//
//   x       nhwc4, with the prologue of conv2d_direct.wgsl       affine  as there
//   v       [SIDE², tiles, in_groups · 4]  f32 always; params.matrix vec4s from one k to the next
//
// A thread owns one channel of a tile. (Four channels would take four times as many registers, and as long to compile.) Its tile belongs to
// the pixels `first … first + count` of the output, which are whole rows of tiles.
//
// Prelude: elem; PROLOGUE as in conv2d_direct.wgsl; TILE, FOUR, ROLLED as in include/winograd.wgsl.

#include conv2d_params
#include winograd

@group(0) @binding(0) var<storage, read> x: array<elem>;
#if PROLOGUE
@group(0) @binding(4) var<storage, read> affine: array<f32>;
#endif
@group(0) @binding(5) var<storage, read_write> v: array<f32>;

fn load(image: u32, row: u32, column: u32, channel: u32) -> f32 {
  let inside = row < params.in_h && column < params.in_w;
  let pixel = select(0, (image * params.in_h + row) * params.in_w + column, inside);
  let value = f32(x[(params.x_offset + pixel * params.x_pitch) * 4 + channel]);
#if PROLOGUE
  let shifted = value * affine[channel] + affine[channel + arrayLength(&affine) / 2];
  return select(0, select(shifted, max(shifted, 0), PROLOGUE == 2), inside);
#else
  return select(0, value, inside);
#endif
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 64;
  let channel = index % (params.in_groups * 4);
  let tile = tile_of(index / (params.in_groups * 4));
  if ((tile.image * params.out_h + tile.y) * params.out_w >= params.first + params.count) {
    return;
  }
  // A position before the image wraps to a large number, so one comparison tells whether it is inside.
  let top = tile.y - params.pad_top;
  let begin = first_step(tile);
  let left = tile.x - begin - params.pad_left;
  var rows: array<Inputs, SIDE>;  // first transformed along y
  for (var step = begin; step < begin + SIDE; step++) {
    var column: Inputs;
    for (var r = 0u; r < SIDE; r++) {
      column[r] = load(tile.image, top + r, left + step, channel);
    }
    column = from_inputs(column);
    for (var r = 0u; r < SIDE; r++) {
      rows[r] = push(rows[r], column[r]);
    }
  }
  for (var step = begin; step < begin + SIDE; step++) {
    let row = from_inputs(rows[0]);
    for (var c = 0u; c < SIDE; c++) {
      v[((step - begin) * SIDE + c) * params.matrix * 4 + index] = row[c];
    }
    for (var r = 1u; r < SIDE; r++) {
      rows[r - 1] = rows[r];
    }
  }
}
