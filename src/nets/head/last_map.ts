/** Finds the feature map of a classifier whose last layers are not linear: the map whose gradients show where a class is. */
import { InputError } from '../../errors.js';
import { type Node, nameOf, prune } from '../../graph/ir/graph.js';
import type { Tensor } from '../../graph/ir/tensor.js';

/**
 * The last map through which everything reaches the logits. If it is the result of poolings, the map before them is taken: that map is finer, and
 * Grad-CAM is defined for the result of a layer with weights.
 * @throws InputError if there is none, or if the layers behind it mix positions as attention does, so that they are no head
 */
export function lastMap(all: readonly Node[], logits: Tensor): Tensor {
  const { nodes } = prune({ nodes: all, outputs: [logits], slices: new Map() });
  const lastUse = new Map<Tensor, number>();
  nodes.forEach((node, at) => {
    for (const tensor of node.inputs) if (tensor) lastUse.set(tensor, at);
  });
  const fromImage = new Set<Tensor>();
  const producers = new Map<Tensor, Node>();
  const maps = new Map<Tensor, number>();
  let busy = -1; // until which node one of the earlier tensors is read
  nodes.forEach((node, at) => {
    for (const tensor of node.inputs) if (tensor?.kind === 'input') take(tensor);
    if (!node.inputs.some((tensor) => tensor && fromImage.has(tensor))) return;
    const [first, ...rest] = node.outputs;
    rest.forEach(take);
    if (busy <= at && isMap(first)) maps.set(first, at);
    take(first);
    producers.set(first, node);
  });
  function take(tensor: Tensor): void {
    fromImage.add(tensor);
    busy = Math.max(busy, lastUse.get(tensor) ?? -1);
  }

  let [map, place] = [...maps].at(-1) ?? [];
  if (!map || place === undefined)
    throw refusal('no map of several positions is on the way from the image to the classes');
  for (let node = producers.get(map)!; node.operation.name === 'pool'; node = producers.get(map)!) {
    const [x] = node.inputs as [Tensor];
    if (!maps.has(x)) break;
    map = x;
  }
  const mixing = nodes
    .slice(place)
    .find(({ operation, inputs }) => operation.name === 'matmul' && inputs.every((one) => one && fromImage.has(one)));
  if (mixing)
    throw refusal(`${nameOf(mixing)} multiplies two tensors that both come from the image, as attention does`);
  return map;
}

const isMap = ({ layout, shape }: Tensor) => layout === 'nhwc4' && shape.length === 4 && shape[1] > 1 && shape[2] > 1;

const refusal = (why: string) =>
  new InputError(`the classifier cannot localize: ${why}`, {
    expected: 'a convolutional network: feature maps, and behind the last of them the layers of a classifier',
  });
