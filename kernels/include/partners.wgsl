// Lanes that merge their values in pairs: in each step of a loop over `half` from LANES / 2 down to 1, lane l and lane l ^ half both get what
// the other one has, and both combine it with their own. After the last step all lanes have the same bits, which do not depend on the order
// in which the hardware runs the lanes, as long as a merge of a and b is that of b and a.
//
// With SUBGROUPS a workgroup is one subgroup of LANES, whose lanes can read each other's registers. Otherwise lanes share workgroup memory.
// Software adapters compile each barrier into a place where a lane can be left and entered again: on llvmpipe a kernel with twenty barriers
// takes seconds to compile.
//
// Prelude: LANES (a power of four without SUBGROUPS), SUBGROUPS.

#if SUBGROUPS
fn partner(own: mat3x4f, lane: u32, half: u32) -> mat3x4f {
  return mat3x4f(subgroupShuffleXor(own[0], half), subgroupShuffleXor(own[1], half), subgroupShuffleXor(own[2], half));
}
#else
var<workgroup> exchanged: array<mat3x4f, 2 * LANES>;

// Steps use the two parts of `exchanged` in turns, so that one barrier is enough: what a lane overwrites was read before the barrier of the
// step between. LANES is a power of four, so that the last step of one loop (half = 1) and the first of the next use different parts.
fn partner(own: mat3x4f, lane: u32, half: u32) -> mat3x4f {
  let part = (countTrailingZeros(half) & 1) * LANES;
  exchanged[part + lane] = own;
  workgroupBarrier();
  return exchanged[part + (lane ^ half)];
}
#endif
