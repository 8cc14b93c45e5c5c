/** Hypercolumns (Hariharan et al. 2015): the outputs of several modules of a backbone, joined to one feature map. */
import { InputError } from '../../errors.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { concat } from '../../ops/layers/concat.js';
import { resize } from '../../ops/layers/resize.js';

/**
 * Joins the channels of outputs, resized bilinearly to the size of the first.
 * @param outputs [n, h, w, channels], at least one.
 */
export function joinColumns(g: GraphBuilder, [first, ...rest]: readonly Tensor[]): Tensor {
  const [, height, width] = first.shape;
  const sizeOf = ({ shape }: Tensor) => shape.slice(1, 3).join();
  const fitted = rest.map((x) =>
    sizeOf(x) === sizeOf(first) ? x : resize(g, x, { height, width, name: `${x.name}/resized` }),
  );
  return concat(g, [first, ...fitted], 'columns');
}

/** @throws InputError if they are not ascending numbers of modules, counted from 1. */
export function checkColumns(columns: readonly number[], modules: number, family: string): void {
  const fits = (number: number, i: number) => number <= modules && (i === 0 || number > columns[i - 1]);
  if (columns.every(fits)) return;
  throw new InputError(`architecture: the ${family}'s columns are wrong`, {
    expected: `ascending numbers of modules, 1 … ${modules}`,
    given: columns.join(', '),
  });
}
