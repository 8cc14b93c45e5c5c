// The root of a node: the smallest of all nodes that have been joined with it so far, directly or through others. The function also shortens
// the path to the root, so that later calls take fewer steps. Needs labels, an array of atomics, and runs.wgsl.
fn find(start: u32) -> u32 {
  var node = start;
  var parent = atomicLoad(&labels[slot(node)]);
  while (parent != node) {
    let next = atomicLoad(&labels[slot(parent)]);
    if (next != parent) {
      atomicMin(&labels[slot(node)], next);
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
    let before = atomicMin(&labels[slot(high)], b);
    if (before == high) {
      return;
    }
    a = find(before);  // another thread had joined `high` to `before`, so that `before` has to be joined to b
  }
}
