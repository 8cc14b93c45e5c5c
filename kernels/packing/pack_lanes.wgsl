// Spreads rows of channel values over the physical lanes of a pixel, zero in padding.
//
//   packed[row, lane] = values[row, lanes[lane]]
//
//   values  [rows, channels] dense      lanes  [lane_count], 0xffffffff in padding      packed  [rows, lane_count] dense
//
// A thread owns one element.

struct Params {
  rows: u32, channels: u32, lane_count: u32,
}

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read> lanes: array<u32>;
@group(0) @binding(2) var<storage, read_write> packed: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.rows * params.lane_count) {
    return;
  }
  let channel = lanes[id.x % params.lane_count];
  packed[id.x] = select(0, values[id.x / params.lane_count * params.channels + min(channel, params.channels - 1)], channel < params.channels);
}
