// A word holds 32 pixels of a binary image; bit i is pixel i. Runs are pixels of one word that are ones side by side: at most 16 a word.
// Run k of word w is node 16 w + k, so that of two nodes the smaller one begins earlier in reading order.

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

// Where the label of a node lies: first those of the first run of each word, then those of the second runs, and so on. Most words have one
// run at most, so what is read and written lies together. Needs params.words_in_all, the words of all layers.
fn slot(node: u32) -> u32 {
  return node % 16 * params.words_in_all + node / 16;
}
