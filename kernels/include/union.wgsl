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

// One loop, in which both nodes climb together: SwiftShader executes each loop that a kernel has at least once, and nested ones are slow.
fn join(one: u32, other: u32) {
  var a = one;
  var b = other;
  while (a != b) {
    let above_a = atomicLoad(&labels[slot(a)]);
    let above_b = atomicLoad(&labels[slot(b)]);
    if (above_a == a && above_b == b) {
      let high = max(a, b);
      b = min(a, b);
      a = atomicMin(&labels[slot(high)], b);
      if (a == high) {
        return;
      }  // else another thread had joined `high` to a, so that a has to be joined to b
    } else {
      a = climb(a, above_a);
      b = climb(b, above_b);
    }
  }
}

// The parent of a node, whose label becomes its grandparent.
fn climb(node: u32, parent: u32) -> u32 {
  let next = atomicLoad(&labels[slot(parent)]);
  if (next != parent) {
    atomicMin(&labels[slot(node)], next);
  }
  return parent;
}
