/** Functions of logits that several folders use. */

/** The logistic sigmoid, 1 / (1 + exp(−x)): the probability that belongs to a logit. */
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** ln(1 + exp(x)), the cross-entropy of a logit −x whose label is 1. It is written in a form that cannot overflow. */
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
