/**
 * JF Healthcare's networks for CheXpert (jfhealthcare/Chexpert, Apache-2.0; Ye et al. 2020, Weakly supervised lesion localization with
 * Probabilistic-CAM pooling). Each disease has a 1×1 convolution, `fc_0` … `fc_4`. It is applied to the features, and a sigmoid of its output
 * gives the weight of each position. Then it is applied again to the features pooled with these weights. So every class has a pooling of
 * its own, which is not the average, the maximum or log-sum-exp. The facts come from model/classifier.py and model/global_pool.py.
 */
import { InputError } from '../../errors.js';
import type { Shapes } from '../family.js';

/** @throws InputError for a network with such layers. By their names and shapes they could be mistaken for layers whose outputs are averaged */
export function refuseProbabilisticCam(tensors: Shapes): void {
  const start = [...tensors.keys()]
    .map((name) => /^(|.*\.)fc_0\.weight$/.exec(name)?.[1])
    .find((one) => one !== undefined);
  if (start === undefined) return;
  const layers = [...tensors].filter(([name, { shape }]) => name.startsWith(`${start}fc_`) && shape.length === 4);
  const hasNorms = tensors.has(`${start}bn_0.weight`);
  const hasBackbone = [...tensors.keys()].some((name) => name.startsWith(`${start}backbone.`));
  if (layers.length === 0 || !hasNorms || !hasBackbone) return;
  throw new InputError("these are JF Healthcare's weights, whose head raybox does not run", {
    expected: 'one linear layer on pooled features',
    given: `${layers.length} convolutions ${layers[0][0].replace(/\.weight$/, '')}, … with a pooling of their own for each class (PCAM)`,
    hint: 'the order of their outputs is Cardiomegaly, Edema, Consolidation, Atelectasis, Pleural Effusion. raybox train --init FILE puts a head of one layer on their backbone and trains it, with --freeze backbone nothing else',
  });
}
