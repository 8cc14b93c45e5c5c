// Partial sums over chunks of pixels, for each channel: of a tensor, and with PRODUCT also of its product with another.
//
//   partial[chunk, 0, c] = Σ_p dy[p, c]      partial[chunk, 1, c] = Σ_p dy[p, c] · (x[p, c] − mean[c])
//
//   dy, x    nhwc4; chunks of the pixels `first … first + count`      mean  one value for each lane
//   partial  [chunks, 2, groups] vec4s; the second row only with PRODUCT
//
// A workgroup owns 8 vec4 groups of one chunk; lanes along y take every 8th pixel, and are merged in a fixed tree.
//
// Prelude: elem, PRODUCT.

struct Params {
  first: u32, count: u32, chunk: u32, first_chunk: u32, groups: u32,
  dy_offset: u32, dy_pitch: u32, x_offset: u32, x_pitch: u32,
}

@group(0) @binding(0) var<storage, read> dy: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read> x: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read> mean: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> partial: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> sums: array<vec4f, 64>;
var<workgroup> products: array<vec4f, 64>;

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) lane: vec3u, @builtin(local_invocation_index) own: u32) {
  let group = min(workgroup.x * 8 + lane.x, params.groups - 1);
  let start = params.first + workgroup.y * params.chunk;
  let end = min(start + params.chunk, params.first + params.count);
  var sum = vec4f(0);
  var product = vec4f(0);
#if PRODUCT
  let centre = mean[group];
#endif
  for (var p = start + lane.y; p < end; p += 8) {
    let value = vec4f(dy[params.dy_offset + p * params.dy_pitch + group]);
    sum += value;
#if PRODUCT
    product += value * (vec4f(x[params.x_offset + p * params.x_pitch + group]) - centre);
#endif
  }
  sums[own] = sum;
  products[own] = product;
  for (var half = 4u; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane.y < half) {
      sums[own] += sums[own + half * 8];
      products[own] += products[own + half * 8];
    }
  }
  if (lane.y == 0 && workgroup.x * 8 + lane.x < params.groups) {
    let to = (params.first_chunk + workgroup.y) * 2 * params.groups + group;
    partial[to] = sums[own];
    partial[to + params.groups] = products[own];
  }
}
