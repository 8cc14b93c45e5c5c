/** Takes the heat from the outer cells of class activation maps. */
import { InputError } from '../../errors.js';
import type { WeightsMetadata } from '../../formats/weights/metadata.js';
import type { TensorSpec } from '../../graph/ir/tensor.js';
import { binary } from '../../ops/general/binary.js';
import type { NetworkFunction } from '../outputs.js';

/**
 * The network with zeros in the outer cells of its heatmaps, as many as `heatmapBorder` says. Logits and probabilities stay as they are. Maps from
 * gradients, which the network does not compute itself, stay as they are too.
 * @throws InputError if zero is not the lowest heat, or, when the network is built, if no cell is left
 */
export function withHeatmapBorder(
  network: NetworkFunction,
  { heatmapBorder: cells = 0, heatmapScaling }: WeightsMetadata,
): NetworkFunction {
  if (cells === 0) return network;
  if (heatmapScaling !== 'relu')
    throw new InputError('heatmapBorder needs heatmaps whose lowest heat is 0', {
      expected: "heatmapScaling: 'relu'",
      given: heatmapScaling,
    });
  return (g, image) => {
    const outputs = network(g, image);
    const { heatmaps } = outputs;
    if (!heatmaps) return outputs;
    const [, , rows, columns] = heatmaps.shape;
    if (2 * cells >= Math.min(rows, columns))
      throw new InputError('heatmapBorder leaves no cell of the heatmap', {
        expected: `at most ${Math.ceil(Math.min(rows, columns) / 2) - 1} for ${rows} × ${columns} cells`,
        given: String(cells),
      });
    const spec: TensorSpec = { shape: [1, 1, rows, columns], layout: 'dense', type: 'f32' };
    const inner = g.constant('heatmaps/inner', spec, innerCells(rows, columns, cells));
    return { ...outputs, heatmaps: binary(g, heatmaps, inner, 'mul', 'heatmaps/border') };
  };
}

/** 0 for the cells of the border, 1 for the others, row by row. */
export function innerCells(rows: number, columns: number, border: number): Float32Array {
  const isInner = (at: number, count: number) => at >= border && at < count - border;
  return Float32Array.from({ length: rows * columns }, (_, cell) =>
    isInner(Math.floor(cell / columns), rows) && isInner(cell % columns, columns) ? 1 : 0,
  );
}
