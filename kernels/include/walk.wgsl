// Where element `index` of a walk lies in each of TENSORS tensors (prelude). The last dimension runs fastest. `walk` has a row for each of
// params.rank dimensions: its size, then the step along it in each tensor.
fn places(index: u32) -> array<u32, TENSORS> {
  var place: array<u32, TENSORS>;
  var rest = index;
  for (var dimension = params.rank; dimension > 0; dimension--) {
    let row = (dimension - 1) * (TENSORS + 1);
    let size = walk[row];
    let coordinate = rest % size;
    rest /= size;
    for (var t = 0u; t < TENSORS; t++) {
      place[t] += coordinate * walk[row + 1 + t];
    }
  }
  return place;
}
