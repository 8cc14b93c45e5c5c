/** The type of a network for `load` and `train`, and the check of what it returns. */
import { InputError } from '../errors.js';
import type { GraphBuilder } from '../graph/ir/graph.js';
import { describeForm, type Tensor } from '../graph/ir/tensor.js';

/** The tensors that a localizer reads, for `n` images. */
export interface NetworkOutputs {
  /** The last feature map, [n, h, w, channels] nhwc4. */
  readonly features: Tensor;
  /** [n, classes] dense f32. */
  readonly logits: Tensor;
  /** [n, classes] dense f32, from 0 to 1. */
  readonly probabilities: Tensor;
  /**
   * [n, classes, h, w] dense f32, of any range. The larger a value, the more its position speaks for the class. Left out if the network
   * has no maps of its own: they are then computed from the gradients of the logits by `features`, through which the whole image must reach
   * them.
   */
  readonly heatmaps?: Tensor | undefined;
}

/**
 * Adds a network to a graph, for images [n, height, width, channels] nhwc4 that are normalised as the metadata says. It is called once
 * for each batch size, and must add the same operations and name the same parameters each time.
 */
export type NetworkFunction = (g: GraphBuilder, image: Tensor) => NetworkOutputs;

/**
 * Checks that a network returned the tensors that a localizer reads.
 * @throws InputError that names the output that is missing or has another form.
 */
export function checkOutputs(outputs: NetworkOutputs, images: number, classes?: number): NetworkOutputs {
  for (const name of ['features', 'logits', 'probabilities', 'heatmaps'] as const) {
    const tensor = outputs?.[name];
    if (name === 'heatmaps' && outputs && tensor === undefined) continue;
    const wanted = FORMS[name];
    const { shape = [], layout, type } = tensor ?? {};
    const fits =
      shape.length === wanted.dimensions &&
      shape[0] === images &&
      layout === wanted.layout &&
      (name === 'features' || (type === 'f32' && shape[1] === (classes ?? outputs.logits.shape[1])));
    if (fits) continue;
    throw new InputError(`the network's ${name} ${tensor ? 'have another form' : 'are missing'}`, {
      expected: `${wanted.says} for ${images} ${images === 1 ? 'image' : 'images'}${name !== 'features' && classes !== undefined ? ` and ${classes} classes` : ''}`,
      given: tensor?.shape ? describeForm(tensor) : outputs instanceof Promise ? 'a promise' : String(tensor),
    });
  }
  return outputs;
}

const FORMS = {
  features: { dimensions: 4, layout: 'nhwc4', says: 'nhwc4 [n, h, w, channels]' },
  logits: { dimensions: 2, layout: 'dense', says: 'dense f32 [n, classes]' },
  probabilities: { dimensions: 2, layout: 'dense', says: 'dense f32 [n, classes]' },
  heatmaps: { dimensions: 4, layout: 'dense', says: 'dense f32 [n, classes, h, w]' },
} as const;
