// Sets the label of every run to the root of its component, and counts the roots of each block of 64 · span words.
//
//   labels[slot(node)] = root of node      block_roots[layer, block] = roots in the block
//
// A thread owns `span` words and a workgroup owns one block.
//
// Prelude: none.

struct Params {
  words: u32, words_in_all: u32, blocks: u32, chunk_heat_thresholds: u32, first_map: u32, span: u32,
}

@group(0) @binding(0) var<storage, read> ranges: array<vec4f>;
@group(0) @binding(1) var<storage, read> masks: array<u32>;
@group(0) @binding(2) var<storage, read_write> labels: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read_write> block_roots: array<u32>;
@group(0) @binding(4) var<uniform> params: Params;

#include runs
#include union

var<workgroup> roots: atomic<u32>;

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
  let first = (block * 64 + lane) * params.span;
  for (var place = first; place < min(first + params.span, params.words); place++) {
    let word = layer * params.words + place;
    for (var k = 0u; k < countOneBits(run_starts(masks[word])); k++) {
      let node = word * 16 + k;
      let root = find(node);
      if (root == node) {
        atomicAdd(&roots, 1);
      } else {
        atomicMin(&labels[slot(node)], root);
      }
    }
  }
  workgroupBarrier();
  if (lane == 0 && block < params.blocks) {
    block_roots[layer * params.blocks + block] = atomicLoad(&roots);
  }
}
