// Heat between the cells of a heatmap: bilinear, by rows and columns given as positions (whole cell, fraction's bits). `shift`, a
// cell's value, goes off first, so that a large common offset costs no digits. Needs heatmaps, params.map_h and params.map_w.
fn column_heat(map: u32, row: vec2u, column: u32, shift: f32) -> f32 {
  let at = map * params.map_h * params.map_w + min(column, params.map_w - 1);
  let top = heatmaps[at + row.x * params.map_w] - shift;
  let bottom = heatmaps[at + min(row.x + 1, params.map_h - 1) * params.map_w] - shift;
  return top + (bottom - top) * bitcast<f32>(row.y);
}

fn between(left: f32, right: f32, column: vec2u) -> f32 {
  return left + (right - left) * bitcast<f32>(column.y);
}

// From 0 to 255 by a map's row of ranges: shift, low, factor, state.
fn scale255(heat: f32, range: vec4f) -> f32 {
  return clamp((heat - range.y) * range.z, 0, 255);
}
