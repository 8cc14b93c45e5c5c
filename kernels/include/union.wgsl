// The smallest node of a component, as far as it is joined. Halves the path it walks. Needs labels, atomic.
fn find(start: u32) -> u32 {
  var node = start;
  var parent = atomicLoad(&labels[node]);
  while (parent != node) {
    let next = atomicLoad(&labels[parent]);
    if (next != parent) {
      atomicMin(&labels[node], next);
    }
    node = parent;
    parent = next;
  }
  return node;
}

fn join(one: u32, other: u32) {
  var a = find(one);
  var b = find(other);
  while (a != b) {
    let high = max(a, b);
    b = min(a, b);
    let before = atomicMin(&labels[high], b);
    if (before == high) {
      return;
    }
    a = find(before);  // someone else had joined `high` to `before`, which now is to be joined to b
  }
}
