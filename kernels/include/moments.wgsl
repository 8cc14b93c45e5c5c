// Count, mean and summed squared deviation of a set of values, and how to merge those of two sets.
struct Moments {
  count: f32,
  mean: vec4f,
  squares: vec4f,
}

fn merge(a: Moments, b: Moments) -> Moments {
  let count = a.count + b.count;
  let share = b.count / max(count, 1);
  let d = b.mean - a.mean;
  return Moments(count, a.mean + d * share, a.squares + b.squares + d * d * (a.count * share));
}
