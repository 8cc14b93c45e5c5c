/** Recognises models that do something else than to classify whole images, before an operator on the way is refused for another reason. */
import { InputError } from '../../errors.js';
import { graphsIn, type PlainModel, type PlainNode } from '../plain.js';
import { neededNodes, scopeOf } from './scope.js';

/** Operators with which networks choose boxes, or look into them. */
const OF_BOXES = /^(NonMaxSuppression|RoiAlign|MaxRoiPool)$/;

/** The nodes, and those in the graphs within them. */
const withInner = (nodes: readonly PlainNode[]): PlainNode[] =>
  nodes.flatMap((node) => [node, ...graphsIn(node).flatMap((graph) => withInner(graph.nodes))]);

/** @throws InputError if the output depends on an operator of networks that detect */
export function refuseBoxes(model: PlainModel, output: string): void {
  const scope = scopeOf(model, { values: new Map(), computed: new Map(), types: new Map() });
  const node = withInner(neededNodes(scope, [output])).find(({ operator }) => OF_BOXES.test(operator));
  if (!node) return;
  throw new InputError(`${model.format}: the model detects boxes by itself`, {
    expected: 'a classifier, with a number for each class of an image',
    given: `${node.operator} '${node.name.slice(0, 120)}' on the way to the output ${output.slice(0, 60)}`,
    hint: 'raybox cannot localize with networks that detect or segment; if another output has a number for each class, name it with the option output (--output NAME)',
  });
}
