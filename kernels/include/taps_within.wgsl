// How many of the taps start, start + dilation, … lie in low … high − 1.
fn taps_within(start: i32, kernel: i32, dilation: i32, low: i32, high: i32) -> i32 {
  let skipped = (max(low - start, 0) + dilation - 1) / dilation;
  return min((max(high - start, 0) + dilation - 1) / dilation, kernel) - skipped;
}
