// Where in the input the taps of an output pixel lie. Needs `params` of conv2d_params.wgsl; prelude: PADDED.

struct Place {
  image: u32,       // first pixel of its image, in input pixels
  y: u32, x: u32,   // position of the top left tap; a negative one wraps to a large number, so one comparison tells whether it is inside
}

fn place(pixel: u32) -> Place {
  return place_of(params.first + min(pixel, params.count - 1));
}

fn place_of(p: u32) -> Place {
  let row = p / params.out_w;
  let image = row / params.out_h;
  return Place(
    image * params.in_h * params.in_w,
    (row - image * params.out_h) * params.stride_h - params.pad_top,
    (p - row * params.out_w) * params.stride_w - params.pad_left,
  );
}

struct Tap {
  at: u32,        // vec4 index of the pixel's first group
  inside: bool,
}

fn tap(place: Place, ky: u32, kx: u32) -> Tap {
  let y = place.y + ky * params.dilation_h;
  let x = place.x + kx * params.dilation_w;
  let inside = y < params.in_h && x < params.in_w;
#if PADDED
  let pixel = place.image + select(0, y * params.in_w + x, inside);
#else
  let pixel = place.image + y * params.in_w + x;
#endif
  return Tap(params.x_offset + pixel * params.x_pitch, inside);
}

// The same in two steps, for loops over taps: what is the same in a row of them is computed once.
struct Row {
  at: u32,  // vec4 index of the first pixel of the row of the input
  inside: bool,
}

fn row_of(place: Place, ky: u32) -> Row {
  let y = place.y + ky * params.dilation_h;
  return Row(params.x_offset + (place.image + y * params.in_w) * params.x_pitch, y < params.in_h);
}

fn tap_of(place: Place, row: Row, kx: u32) -> Tap {
  let x = place.x + kx * params.dilation_w;
  return Tap(row.at + x * params.x_pitch, row.inside && x < params.in_w);
}
