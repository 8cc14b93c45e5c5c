// Numbers the components of each layer in the order of their first pixels.
//
//   labels[slot(root)] = RANKED | number of roots before it
//
// A thread owns `span` words and a workgroup owns a block, as in component_roots.wgsl.
//
// Prelude: none.

struct Params {
  words: u32, words_in_all: u32, blocks: u32, chunk_heat_thresholds: u32, first_map: u32, span: u32,
}

@group(0) @binding(0) var<storage, read> ranges: array<vec4f>;
@group(0) @binding(1) var<storage, read> masks: array<u32>;
@group(0) @binding(2) var<storage, read> block_roots: array<u32>;
@group(0) @binding(3) var<storage, read_write> labels: array<u32>;
@group(0) @binding(4) var<uniform> params: Params;

#include runs

const RANKED = 0x80000000u;

var<workgroup> roots: array<u32, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let layer = workgroup.z;
  let block = workgroup.x + workgroup.y * workgroups.x;
  if (ranges[params.first_map + layer / params.chunk_heat_thresholds].w != 0) {
    return;
  }
  let first = layer * params.words + min((block * 64 + lane) * params.span, params.words);
  let end = min(first + params.span, (layer + 1) * params.words);
  var own = 0u;
  for (var word = first; word < end; word++) {
    for (var k = 0u; k < countOneBits(run_starts(masks[word])); k++) {
      own += u32(labels[slot(word * 16 + k)] == word * 16 + k);
    }
  }
  roots[lane] = own;
  workgroupBarrier();
  if (own == 0) {
    return;
  }
  var rank = block_roots[layer * params.blocks + block];
  for (var other = 0u; other < lane; other++) {
    rank += roots[other];
  }
  for (var word = first; word < end; word++) {
    for (var k = 0u; k < countOneBits(run_starts(masks[word])); k++) {
      if (labels[slot(word * 16 + k)] == word * 16 + k) {
        labels[slot(word * 16 + k)] = RANKED | rank;
        rank++;
      }
    }
  }
}
