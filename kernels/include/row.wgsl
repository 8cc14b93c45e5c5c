// Sum and maximum over the ROW_LANES neighbouring lanes that own a row, merged in a fixed tree. Every lane gets the result. All lanes of
// the workgroup must call, and each function at most once.
var<workgroup> row_sums: array<f32, 64>;
var<workgroup> row_peaks: array<f32, 64>;

fn sum_of_row(value: f32, lane: u32) -> f32 {
  row_sums[lane] = value;
  for (var half = ROW_LANES / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane % ROW_LANES < half) {
      row_sums[lane] += row_sums[lane + half];
    }
  }
  workgroupBarrier();
  return row_sums[lane - lane % ROW_LANES];
}

fn largest_of_row(value: f32, lane: u32) -> f32 {
  row_peaks[lane] = value;
  for (var half = ROW_LANES / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane % ROW_LANES < half) {
      row_peaks[lane] = max(row_peaks[lane], row_peaks[lane + half]);
    }
  }
  workgroupBarrier();
  return row_peaks[lane - lane % ROW_LANES];
}
