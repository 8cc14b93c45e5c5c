// A segment is a part of a row whose pixels lie between the same two columns of cells. Along it, heat only rises or only falls, also in
// rounded numbers, because rounding never changes the order of two numbers. So its extremes are its first and last pixel, and a binary
// search finds where it crosses a threshold. Needs heat.wgsl and places.
struct Segment {
  end: u32,  // the first column behind it
  left: f32, right: f32,  // heat at the two columns of cells, unscaled
  first: f32, last: f32,  // heat of its first and last pixel
}

// The segment that begins with column `start`; it ends before column `limit`.
fn segment(map: u32, row: vec2u, start: u32, limit: u32, range: vec4f) -> Segment {
  let column = places[start];
  let left = column_heat(map, row, column.x, range.x);
  let right = column_heat(map, row, column.x + 1, range.x);
  var end = limit;
  var last = places[limit - 1];
  if (last.x != column.x) {
    var inside = start;
    end--;
    while (end - inside > 1) {
      let middle = (inside + end) / 2;
      if (places[middle].x == column.x) {
        inside = middle;
      } else {
        end = middle;
      }
    }
    last = places[inside];
  }
  return Segment(end, left, right, scale255(between(left, right, column), range), scale255(between(left, right, last), range));
}
