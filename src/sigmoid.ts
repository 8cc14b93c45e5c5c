/** The logistic sigmoid, 1 / (1 + exp(−x)): the probability that belongs to a logit. */
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
