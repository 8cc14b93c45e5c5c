/** Class activation maps behind a norm of the pooled features, as ConvNeXt has it. */

/**
 * A layer norm of the pooled features f is γ · (f − mean f) / σ + β. For the positions x whose average is f that is the average of
 * γ · (x − mean x) / σ, which is linear except for σ, one number above 0 for each image. So maps with the weights w · γ minus their average
 * over the channels are exact up to that factor.
 * @param gamma [inputs], the norm's factors
 * @param weight [outputs, inputs] row by row, those of the linear layer behind it
 * @returns weights like `weight`, by which positions before the norm are multiplied
 */
export function seenBehind(gamma: ArrayLike<number>, weight: ArrayLike<number>, inputs: number): Float32Array {
  const result = new Float32Array(weight.length);
  for (let first = 0; first < weight.length; first += inputs) {
    let sum = 0;
    for (let i = 0; i < inputs; i++) sum += weight[first + i] * gamma[i];
    for (let i = 0; i < inputs; i++) result[first + i] = weight[first + i] * gamma[i] - sum / inputs;
  }
  return result;
}
