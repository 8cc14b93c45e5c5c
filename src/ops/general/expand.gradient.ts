/** Backward pass of a repetition: a sum over the repeated dimensions. */
import type { Gradient } from '../../graph/ir/operation.js';
import type { ExpandAttributes, ExpandInputs } from './expand.js';
import { sumTo } from './sum_to.js';

export const gradient: Gradient<ExpandAttributes, ExpandInputs> = (g, { inputs: [x] }, [dy]) => [sumTo(g, dy, x)];
