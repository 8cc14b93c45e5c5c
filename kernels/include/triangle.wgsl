// The entry of a table of positions that means: no position.
const NOWHERE = 0xffffffffu;

// Weight of source pixel `pixel` in the triangle of half-width `scale` around `centre` (whole part, fraction's bits). Whole parts are
// subtracted as integers, so that the fraction loses no digits however large the image is.
fn triangle(pixel: u32, centre: vec2u, scale: f32) -> f32 {
  let distance = f32(i32(pixel - centre.x)) + 0.5 - bitcast<f32>(centre.y);
  return max(0, 1 - abs(distance) / scale);
}
