/**
 * JF Healthcare's networks for CheXpert (jfhealthcare/Chexpert, Apache-2.0; Ye et al. 2020, Weakly supervised lesion localization with
 * Probabilistic-CAM pooling). Each disease has a 1×1 convolution of one output, `fc_0` … `fc_4`, which is applied to the pooled features. What
 * pools them is a setting of the training, `global_pool`, that is not in the file. With PCAM, the convolution is also applied to the features,
 * and the sigmoids of its outputs, divided by their sum, are the weights of positions. Since a convolution is linear, that is raybox's `pcam`
 * with the convolutions as rows of one layer. The facts come from model/classifier.py, model/global_pool.py, data/dataset.py, data/utils.py and
 * config/example_PCAM.json.
 *
 * A file always has the parameters of batch norms behind the pooling (`bn_0` …) and of three kinds of attention (`attention_map`), whether the
 * network uses them or not. Without `fc_bn` and `attention_map` in the settings they stay as they were before training, which is checked.
 */
import { InputError } from '../../errors.js';
import type { TensorData } from '../../formats/weights/checkpoint.js';
import type { Pooling } from '../../formats/weights/poolings.js';
import type { Preset } from './preset.js';

const ORDER = ['Cardiomegaly', 'Edema', 'Consolidation', 'Atelectasis', 'Pleural Effusion'];

/** The name of the one layer that the convolutions become. */
const layerOf = (classes: number) => `fc_0_to_${classes - 1}`;

export const jfhealthcare: readonly Preset[] = [
  {
    name: 'jfhealthcare-pcam',
    title: "JF Healthcare's DenseNet-121 with PCAM pooling",
    labels: ORDER,
    fields: {
      ...{ inputWidth: 512, inputHeight: 512, fit: 'pad', pooling: 'pcam' },
      ...{ mean: [128 / 255, 128 / 255, 128 / 255], std: [64 / 255, 64 / 255, 64 / 255] },
      ...{ trainingData: 'CheXpert', license: 'Apache-2.0' },
    },
    inputChannels: 3,
    citation:
      'Ye et al., Weakly supervised lesion localization with Probabilistic-CAM pooling, 2020; github.com/jfhealthcare/Chexpert',
    note: 'The repository equalises the histogram of an image, blurs it, and pads it with grey to the right and below; raybox does none of this, so scores differ. Images that were equalised and blurred before, and are square, give the same scores. No file shows whether the setting attention_map was CAM: it was assumed that it was None',
    fits: ({ backbone, inputChannels, outputs, prediction }) =>
      backbone === 'densenet121' && inputChannels === 3 && outputs === ORDER.length && prediction === layerOf(outputs)
        ? 'a DenseNet-121 under backbone with the convolutions fc_0 to fc_4'
        : undefined,
  },
];

/**
 * Joins the convolutions of such a network to one linear layer, if the caller has said how features are pooled, and removes what the network
 * does not use. Tensors of other networks stay as they are.
 * @param root what was removed from the beginnings of the backbone's names
 * @returns the weights and biases that were joined
 * @throws InputError if the pooling is not known, or the head has more layers than the convolutions
 */
export function joinConvolutions(
  tensors: Map<string, TensorData>,
  root: string,
  pooling: Pooling | undefined,
): TensorData[] {
  const start = startOf(tensors, root);
  if (start === undefined) return [];
  // The backbone's own classifier is never run.
  const classifier = root === `${start}backbone.` ? 'classifier' : `${start}backbone.classifier`;
  const names = Array.from({ length: countOf(tensors, start) }, (_, index) => `${start}fc_${index}`);
  const parts = (part: string) => names.flatMap((name) => tensors.get(`${name}.${part}`) ?? []);
  const [weights, biases] = [parts('weight'), parts('bias')];
  const [, channels] = weights[0].shape;
  const isOne = ({ shape }: TensorData) => shape.join() === `1,${channels},1,1`;
  if (biases.length !== names.length || !weights.every(isOne) || biases.some(({ data }) => data.length !== 1))
    throw refusal(
      'whose convolutions raybox does not know',
      weights.map(({ shape }) => shape.join('×')).join(', '),
      'a weight of 1 × channels × 1 × 1 and one bias for each disease',
    );
  if (tensors.get(`${start}bn_0.weight`)?.shape[0] !== channels)
    throw refusal('whose layers do not fit each other', `bn_0 is not for the ${channels} inputs of fc_0`);
  refuseUsed(tensors, start, names.length);
  const features = tensors.get(`${classifier}.weight`)?.shape[1] ?? channels;
  if (features !== channels)
    throw refusal(
      'whose head raybox does not run',
      `convolutions that read ${channels} numbers for ${features} features: averages and maxima (AVG_MAX)`,
    );
  if (pooling === undefined)
    throw new InputError("these are JF Healthcare's weights, and the file does not say how they pool", {
      expected: 'the setting global_pool of the training (cfg.json)',
      given: `${names.length} convolutions fc_0, …`,
      hint: 'for PCAM give the preset jfhealthcare-pcam (--preset); for AVG, MAX or LSE the pooling average, max, or lse with lseR, the setting lse_gamma (--metadata); EXP and LINEAR are not run',
    });
  const layer = layerOf(names.length);
  const joined = (from: readonly TensorData[]) => Float32Array.from(from.flatMap(({ data }) => [...data]));
  const isPart = (name: string) =>
    name.startsWith(start) && /^(fc_\d+|bn_\d+|attention_map)\./.test(name.slice(start.length));
  for (const name of [...tensors.keys()]) if (isPart(name) || name.startsWith(`${classifier}.`)) tensors.delete(name);
  tensors.set(`${layer}.weight`, { shape: [names.length, channels], data: joined(weights) });
  tensors.set(`${layer}.bias`, { shape: [names.length], data: joined(biases) });
  return [...weights, ...biases];
}

/** What the names of such a network begin with; undefined for other networks. */
function startOf(tensors: ReadonlyMap<string, TensorData>, root: string): string | undefined {
  const start = [...tensors.keys()]
    .map((name) => /^(|.*\.)fc_0\.weight$/.exec(name)?.[1])
    .find((one) => one !== undefined);
  if (start === undefined || tensors.get(`${start}fc_0.weight`)!.shape.length !== 4) return undefined;
  const hasBackbone =
    root === `${start}backbone.` || [...tensors.keys()].some((name) => name.startsWith(`${start}backbone.`));
  return hasBackbone && tensors.has(`${start}bn_0.weight`) ? start : undefined;
}

function countOf(tensors: ReadonlyMap<string, TensorData>, start: string): number {
  let count = 0;
  while (tensors.has(`${start}fc_${count}.weight`)) count++;
  return count;
}

/** @throws InputError if the head has batch norms or attention that were trained, since then they are used */
function refuseUsed(tensors: ReadonlyMap<string, TensorData>, start: string, classes: number): void {
  const head = [...tensors].filter(([name]) => name.startsWith(start));
  const under = (beginning: string) =>
    head
      .filter(([name]) => name.startsWith(`${start}${beginning}`))
      .map(([name, tensor]) => [name.slice(start.length), tensor] as const);
  const norms = Array.from({ length: classes }, (_, index) => under(`bn_${index}.`)).flat();
  const isMoved = ([name, { data }]: readonly [string, TensorData]) =>
    (name.endsWith('.running_mean') && data.some((value) => value !== 0)) ||
    (name.endsWith('.running_var') && data.some((value) => value !== 1));
  const norm = norms.find(isMoved);
  if (norm)
    throw refusal('whose head raybox does not run', `${norm[0]}, a trained batch norm behind the pooling (fc_bn)`);
  const pyramid = under('attention_map.').find(isMoved);
  if (pyramid)
    throw refusal(
      'whose head raybox does not run',
      `${pyramid[0]}, a trained feature pyramid attention (FPA), as in the published pre_train.pth`,
    );
  const gamma = tensors.get(`${start}attention_map.spatial_attention.gamma`);
  if (gamma?.data.some((value) => value !== 0))
    throw refusal(
      'whose head raybox does not run',
      'attention_map.spatial_attention, a trained spatial attention (SAM)',
    );
}

const refusal = (what: string, given: string, expected = 'a pooling, and a convolution for each disease behind it') =>
  new InputError(`these are JF Healthcare's weights, ${what}`, {
    expected,
    given,
    hint: `the order of their outputs is ${ORDER.join(', ')}. raybox train --init FILE puts a head of one layer on their backbone and trains it, with --freeze backbone nothing else`,
  });
