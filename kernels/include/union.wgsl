// The root of a node: the smallest node of what its component is joined to so far. Shortens the path on its way, so that later calls have
// fewer steps. Needs labels, atomic.
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
    a = find(before);  // another thread had joined `high` to `before`, so that `before` has to be joined to b
  }
}
