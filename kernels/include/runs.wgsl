// Pixels of a binary image in words of 32, bit i being pixel i of the word, and runs of ones within one word, at most 16.
// Run k of word w is node 16 w + k, so that smaller nodes begin earlier in reading order.

// One bit at the first pixel of each run.
fn run_starts(mask: u32) -> u32 {
  return mask & ~(mask << 1);
}

// Ones from bit `from_bit` to the end of its run.
fn run_from(mask: u32, from_bit: u32) -> u32 {
  let rest = mask >> from_bit;
  return extractBits(0xffffffffu, 0, countTrailingZeros(~rest)) << from_bit;
}

// The node of the run that holds bit `bit` of word `word`.
fn node_of(word: u32, mask: u32, bit: u32) -> u32 {
  return word * 16 + countOneBits(run_starts(mask) & (0xffffffffu >> (31 - bit))) - 1;
}
