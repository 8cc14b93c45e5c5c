/** ShuffleNetV2: Ma et al., ShuffleNet V2: practical guidelines for efficient CNN architecture design, 2018. */
import { InputError } from '../../errors.js';
import { isSize, listOf } from '../../formats/checks.js';
import type { GraphBuilder } from '../../graph/ir/graph.js';
import { channelCount, type Tensor } from '../../graph/ir/tensor.js';
import type { Activation } from '../../ops/layers/activations.js';
import { channelShuffle } from '../../ops/layers/channel_shuffle.js';
import { concat } from '../../ops/layers/concat.js';
import { maxPool } from '../../ops/layers/pool.js';
import { slice } from '../../ops/layers/slice.js';
import { withSegments } from '../../ops/packing/compact.js';
import type { Family, Recognition, Shapes } from '../family.js';
import { convolutionNorm, inSequence } from '../layers/layers.js';
import { convolutionShape, countFrom, named } from '../recognise/shapes.js';

/** Ma et al. 2018, as torchvision has it. */
export type ShuffleNetV2 = {
  family: 'shufflenet_v2';
  prefix?: string;
  /** Channels of the first convolution. */
  stem: number;
  /** Units of each stage. */
  layers: number[];
  /** Channels of each stage: even numbers, since each of a unit's two branches has half of them. */
  widths: number[];
  /** Channels of the last convolution. */
  last: number;
};

/** Table 5 of the paper. */
const standard = (widths: number[], last: number): ShuffleNetV2 => ({
  ...{ family: 'shufflenet_v2', stem: 24, layers: [4, 8, 4], widths, last },
});

const RELU: Activation = { kind: 'relu' };

/** torchvision counts stages from 2, because in the paper stage 1 is the convolution and the pooling before them. */
const nameOf = (prefix: string, stage: number, unit: number) => `${prefix}stage${stage + 2}.${unit}`;

export const family: Family<ShuffleNetV2> = {
  fields: () => ({
    stem: [isSize, 'a size'],
    layers: [listOf(isSize, 1, 16), 'the units of each stage'],
    widths: [listOf(isSize, 1, 16), 'the channels of each stage'],
    last: [isSize, 'a size'],
  }),
  checkTogether({ layers, widths }) {
    if (layers.length === widths.length && widths.every((width) => width % 2 === 0)) return;
    throw new InputError("architecture: the shufflenet_v2's widths are wrong", {
      expected: `${layers.length} even numbers, one for each stage`,
      given: widths.join(', '),
    });
  },
  blocks: ({ layers }) => layers,
  prefix: '',
  standard: () => ({
    shufflenet_v2_x0_5: standard([48, 96, 192], 1024),
    shufflenet_v2_x1_0: standard([116, 232, 464], 1024),
    shufflenet_v2_x1_5: standard([176, 352, 704], 1024),
    shufflenet_v2_x2_0: standard([244, 488, 976], 2048),
  }),
  /** [n, h, w, channels] → [n, ⌈h / 32⌉, ⌈w / 32⌉, last] for three stages. */
  build(g, image, { stem, layers, widths, last, prefix }) {
    const first = { outputs: stem, kernel: 3, stride: 2, activation: RELU };
    let x = convolutionNorm(g, image, inSequence(`${prefix}conv1`), first);
    x = maxPool(g, x, { kernel: 3, stride: 2, padding: 1, name: `${prefix}maxpool` });
    layers.forEach((units, stage) => {
      for (let index = 0; index < units; index++) {
        const name = nameOf(prefix, stage, index);
        x = index === 0 ? halvingUnit(g, x, name, widths[stage]) : unit(g, x, name);
      }
    });
    return convolutionNorm(g, x, inSequence(`${prefix}conv5`), { outputs: last, kernel: 1, activation: RELU });
  },
};

/** Half of the channels stay as they are, the other half go through three convolutions, and then the channels of both halves are mixed. */
function unit(g: GraphBuilder, x: Tensor, name: string): Tensor {
  const half = channelCount(x) / 2;
  // A slice has to begin at a multiple of four channels. If the second half does not, a gap is put between the halves so that it does.
  const apart = half % 4 === 0 ? x : withSegments(g, x, [half, half], `${name}.halves`);
  const kept = slice(g, apart, { offset: 0, segments: [half] }, `${name}.kept`);
  const changed = slice(g, apart, { offset: Math.ceil(half / 4), segments: [half] }, `${name}.changed`);
  return channelShuffle(g, concat(g, [kept, longBranch(g, changed, name, half, 1)], `${name}.joined`), 2, name);
}

/** Both branches read all channels, and halve height and width. */
function halvingUnit(g: GraphBuilder, x: Tensor, name: string, width: number): Tensor {
  const [inputs, half] = [channelCount(x), width / 2];
  const at = (index: number) => [`${name}.branch1.${index}`, `${name}.branch1.${index + 1}`] as const;
  let short = convolutionNorm(g, x, at(0), { outputs: inputs, kernel: 3, stride: 2, groups: inputs });
  short = convolutionNorm(g, short, at(2), { outputs: half, kernel: 1, activation: RELU });
  return channelShuffle(g, concat(g, [short, longBranch(g, x, name, half, 2)], `${name}.joined`), 2, name);
}

function longBranch(g: GraphBuilder, x: Tensor, name: string, half: number, stride: number): Tensor {
  const at = (index: number) => [`${name}.branch2.${index}`, `${name}.branch2.${index + 1}`] as const;
  let y = convolutionNorm(g, x, at(0), { outputs: half, kernel: 1, activation: RELU });
  y = convolutionNorm(g, y, at(3), { outputs: half, kernel: 3, stride, groups: half });
  return convolutionNorm(g, y, at(5), { outputs: half, kernel: 1, activation: RELU });
}

export const recognition: Recognition<ShuffleNetV2> = {
  title: 'a ShuffleNetV2',
  ways: [{ mark: /^(|.*\.)stage2\.0\.branch1\.0\.weight$/, read }],
};

function read(tensors: Shapes, prefix: string): ShuffleNetV2 {
  const at = (stage: number, index: number) => nameOf(prefix, stage, index);
  const count = countFrom(tensors, 0, (stage) => `${at(stage, 0)}.branch1.0`);
  const stages = Array.from({ length: count }, (_, index) => index);
  const [stem] = convolutionShape(tensors, `${prefix}conv1.0`);
  const [last] = convolutionShape(tensors, `${prefix}conv5.0`);
  return {
    ...{ family: 'shufflenet_v2', stem },
    layers: stages.map((stage) => countFrom(tensors, 0, (index) => `${at(stage, index)}.branch2.0`)),
    widths: stages.map((stage) => 2 * convolutionShape(tensors, `${at(stage, 0)}.branch2.0`)[0]),
    last,
    ...named(prefix, ''),
  };
}
