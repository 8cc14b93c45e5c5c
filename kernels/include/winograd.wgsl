// Winograd's minimal filtering F(m×m, 3×3), with m = TILE: a tile of m × m outputs is computed from SIDE × SIDE inputs (SIDE = m + 2) by
// SIDE² products for each pair of channels, instead of 9 m².
//
//   y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A        d  inputs, g  filter
//
// The matrices are those of Lavin and Gray, "Fast algorithms for convolutional neural networks" (2016): interpolation at 0, ±1, ∞, and
// also at ±2 with FOUR. Each function here multiplies one line, a row or a column, by one of the matrices.
//
// Kernels load and store the lines of a tile in loops. Each step uses the same place of an array, and moves what is in the array along by one line.
// If a compiler knows where the loop begins and ends, it unrolls it and removes the moves, which suits GPUs. With ROLLED it cannot know, so the
// code that loads or stores a line is there once, which is much faster to compile on software adapters.
//
// Prelude: TILE (2 or 4), FOUR (whether it is 4), ROLLED.

const SIDE = TILE + 2;

alias Inputs = array<f32, SIDE>;
alias Outputs = array<f32, TILE>;

struct Tile {
  image: u32,
  y: u32, x: u32,  // its top left output
}

// Tiles are counted from the one with the pixel params.first, row by row and over all images.
fn tile_of(index: u32) -> Tile {
  let wide = (params.out_w + TILE - 1) / TILE;
  let high = (params.out_h + TILE - 1) / TILE;
  let first = params.first / params.out_w;
  let row = first / params.out_h * high + first % params.out_h / TILE + index / wide;
  return Tile(row / high, row % high * TILE, index % wide * TILE);
}

// Where a kernel's loops over lines begin; only the number of steps matters.
fn first_step(tile: Tile) -> u32 {
  return select(0, tile.x, ROLLED);
}

// The line without its first value, and with another one at its end.
fn push(line: Inputs, value: f32) -> Inputs {
  var moved: Inputs;
  for (var i = 1u; i < SIDE; i++) {
    moved[i - 1] = line[i];
  }
  moved[SIDE - 1] = value;
  return moved;
}

// Bᵀ
fn from_inputs(d: Inputs) -> Inputs {
#if FOUR
  let even = d[4] - 4 * d[2];
  let odd = d[3] - 4 * d[1];
  let near = d[4] - d[2];
  let far = 2 * (d[3] - d[1]);
  return Inputs(
    4 * d[0] - 5 * d[2] + d[4], even + odd, even - odd, near + far, near - far, 4 * d[1] - 5 * d[3] + d[5],
  );
#else
  return Inputs(d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]);
#endif
}

// Aᵀ
fn to_outputs(m: Inputs) -> Outputs {
#if FOUR
  let even = m[1] + m[2];
  let odd = m[1] - m[2];
  let far_even = m[3] + m[4];
  let far_odd = m[3] - m[4];
  return Outputs(m[0] + even + far_even, odd + 2 * far_odd, even + 4 * far_even, odd + 8 * far_odd + m[5]);
#else
  return Outputs(m[0] + m[1] + m[2], m[1] - m[2] - m[3]);
#endif
}
