/** Builds a network once to learn its parameters and outputs. */
import { InputError } from '../../errors.js';
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import { createGraph, type GraphBuilder } from '../../graph/ir/graph.js';
import type { Tensor } from '../../graph/ir/tensor.js';
import { checkOutputs, type NetworkFunction, type NetworkOutputs } from '../outputs.js';

/** What a network adds to a graph. */
export interface Trace {
  readonly graph: GraphBuilder;
  readonly image: Tensor;
  readonly outputs: NetworkOutputs;
}

/** Builds a network for images of the size that its metadata says. @throws InputError if that is not square, or an output has a wrong form */
export function trace(network: NetworkFunction, metadata: WeightsMetadata, images: number): Trace {
  const { inputWidth, inputHeight, inputChannels } = metadata;
  if (inputWidth !== inputHeight)
    throw new InputError("the network's input is not square", { given: `${inputWidth} × ${inputHeight}` });
  const graph = createGraph();
  const image = graph.input('image', [images, inputHeight, inputWidth, inputChannels]);
  return { graph, image, outputs: checkOutputs(network(graph, image), images) };
}
