// Measures how much arithmetic a GPU can do: each thread computes chains of v = v · m + c in registers. Several independent chains
// hide the latency of a single one. The factors come from the uniform, so that no compiler can compute the result beforehand.
//
// A thread does 4 chains × 4 lanes × 4 steps × 2 = 128 operations in a round, and twice as many with WIDE.
//
// Prelude: elem; FMA: fma() in place of v * m + c; WIDE: 8 chains instead of 4.

struct Params { rounds: u32, m: f32, c: f32 }

@group(0) @binding(0) var<storage, read_write> y: array<vec4<elem>>;
@group(0) @binding(1) var<uniform> params: Params;

fn next(v: vec4<elem>, m: vec4<elem>, c: vec4<elem>) -> vec4<elem> {
#if FMA
  return fma(v, m, c);
#else
  return v * m + c;
#endif
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let m = vec4<elem>(elem(params.m));
  let c = vec4<elem>(elem(params.c));
  var v0 = vec4<elem>(elem(id.x % 64));
  var v1 = v0 + 1;
  var v2 = v0 + 2;
  var v3 = v0 + 3;
#if WIDE
  var v4 = v0 + 4;
  var v5 = v0 + 5;
  var v6 = v0 + 6;
  var v7 = v0 + 7;
#endif
  for (var round = 0u; round < params.rounds; round++) {
    v0 = next(next(next(next(v0, m, c), m, c), m, c), m, c);
    v1 = next(next(next(next(v1, m, c), m, c), m, c), m, c);
    v2 = next(next(next(next(v2, m, c), m, c), m, c), m, c);
    v3 = next(next(next(next(v3, m, c), m, c), m, c), m, c);
#if WIDE
    v4 = next(next(next(next(v4, m, c), m, c), m, c), m, c);
    v5 = next(next(next(next(v5, m, c), m, c), m, c), m, c);
    v6 = next(next(next(next(v6, m, c), m, c), m, c), m, c);
    v7 = next(next(next(next(v7, m, c), m, c), m, c), m, c);
#endif
  }
#if WIDE
  v0 += v4 + v5 + v6 + v7;
#endif
  y[id.x] = v0 + v1 + v2 + v3;
}
