// Heat between the cells of a heatmap, by bilinear interpolation at positions of rows and columns (whole cell, fraction's bits). `shift`,
// the value of one cell, is subtracted first, so that a large offset that all cells share costs no digits. Needs heatmaps, params.map_h
// and params.map_w.
fn column_heat(map: u32, row: vec2u, column: u32, shift: f32) -> f32 {
  let at = map * params.map_h * params.map_w + min(column, params.map_w - 1);
  let top = heatmaps[at + row.x * params.map_w] - shift;
  let bottom = heatmaps[at + min(row.x + 1, params.map_h - 1) * params.map_w] - shift;
  return top + (bottom - top) * bitcast<f32>(row.y);
}

fn between(left: f32, right: f32, column: vec2u) -> f32 {
  return left + (right - left) * bitcast<f32>(column.y);
}

// Scales heat to 0 … 255 by a map's row of ranges: shift, low, factor, state.
fn scale255(heat: f32, range: vec4f) -> f32 {
  return clamp((heat - range.y) * range.z, 0, 255);
}
