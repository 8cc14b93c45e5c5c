// Replaces the number of roots in each block by the number of roots in all blocks before it, and initializes the table of boxes.
//
//   block_roots[layer, b] ← Σ_{a < b} block_roots[layer, a]
//   counts[map, t] = roots of all blocks      counts[map, all_heat_thresholds] = state of the map
//   boxes[map, t, i] = an empty box, to be widened, if i < counts[map, t]; else zeros
//
// A workgroup owns one layer, and each of its lanes a range of consecutive blocks.
//
// Prelude: LANES.

struct Params {
  blocks: u32, chunk_heat_thresholds: u32, first_map: u32, first_heat_threshold: u32, all_heat_thresholds: u32, max_boxes: u32,
}

@group(0) @binding(0) var<storage, read> ranges: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> block_roots: array<u32>;
@group(0) @binding(2) var<storage, read_write> boxes: array<u32>;
@group(0) @binding(3) var<storage, read_write> counts: array<u32>;
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> sums: array<u32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let layer = workgroup.x;
  let map = params.first_map + layer / params.chunk_heat_thresholds;
  let t = params.first_heat_threshold + layer % params.chunk_heat_thresholds;
  let open = ranges[map].w == 0;
  let stretch = (params.blocks + LANES - 1) / LANES;
  let first = layer * params.blocks + min(lane * stretch, params.blocks);
  let end = layer * params.blocks + min((lane + 1) * stretch, params.blocks);

  var sum = 0u;
  if (open) {
    for (var b = first; b < end; b++) {
      sum += block_roots[b];
    }
  }
  sums[lane] = sum;
  workgroupBarrier();
  var before = 0u;
  var total = 0u;
  for (var other = 0u; other < LANES; other++) {
    before += select(0u, sums[other], other < lane);
    total += sums[other];
  }
  if (open) {
    for (var b = first; b < end; b++) {
      let own = block_roots[b];
      block_roots[b] = before;
      before += own;
    }
  }

  let table = (map * params.all_heat_thresholds + t) * params.max_boxes;
  for (var i = lane; i < params.max_boxes; i += LANES) {
    let least = select(0u, 0xffffffffu, i < total);
    boxes[(table + i) * 6] = least;
    boxes[(table + i) * 6 + 1] = least;
    for (var field = 2u; field < 6; field++) {
      boxes[(table + i) * 6 + field] = 0;
    }
  }
  if (lane == 0) {
    counts[map * (params.all_heat_thresholds + 1) + t] = total;
    counts[map * (params.all_heat_thresholds + 1) + params.all_heat_thresholds] = u32(ranges[map].w);
  }
}
