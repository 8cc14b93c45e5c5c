/** The types of the metadata of weights. */
import type { Warning } from '../../warnings.js';
import type { BoxRule } from '../heat_thresholds.js';
import type { GraphDescription } from './graph_description.js';
import type { HeatmapMethod } from './heatmap_methods.js';
import type { Pooling } from './poolings.js';

/** A backbone by the name and the fields of its family. They are checked by `src/nets/families` when the network is built. */
export type BackboneDescription = { family: string; [field: string]: unknown };

/** Which images weights were trained on: X-rays of patients, or the phantoms that raybox draws. */
export type ImageKind = 'patients' | 'phantoms';

/** What a weights file says about its network besides the tensors: architecture, classes, input, head and origin. */
export interface WeightsMetadata {
  /**
   * The backbone, as the name of a standard one (`resnet50`, `densenet121`, …) or as a description. Or the whole network: its graph, or
   * `custom` for a network that the file does not contain and that `load` gets as a function.
   */
  architecture: string | BackboneDescription | GraphDescription;
  /** The names of the outputs, in their order. */
  classes: string[];
  /** Size to which images are resized, in pixels. */
  inputWidth: number;
  inputHeight: number;
  /** Input channels of the first convolution. With 3, grey images are repeated in all channels. */
  inputChannels: 1 | 3;
  channelOrder: 'rgb' | 'bgr';
  /** For each input channel. The network's input is `(pixel − mean) / std`, with pixels scaled to [0, 1]. */
  mean: number[];
  std: number[];
  /** How an image with another aspect ratio is fitted to the size of the input. */
  fit: 'stretch' | 'crop' | 'pad';
  /** The transition layer. All three fields are given, or none for a network without this layer. */
  transitionChannels?: number;
  transitionKernel?: number;
  transitionActivation?: 'relu' | 'none';
  /** Missing if `architecture` is the whole network. */
  pooling?: Pooling;
  /** The r of log-sum-exp pooling, above 0. Only given with `pooling: 'lse'`. */
  lseR?: number;
  /** How many of the highest positions of a class map count, from 1 on. Only given with `pooling: 'top-k'`. */
  topK?: number;
  /** How many of the lowest ones count, 0 for none. Only given with `pooling: 'top-k'`. */
  lowK?: number;
  /** The lower bound r0 of the learnt sharpness, from 0.1 on. Only given with `pooling: 'lse-lba'`. */
  lseR0?: number;
  /** Channels of the attention's hidden layer. Only given with `pooling: 'attention'`. */
  attentionChannels?: number;
  /** Name of the prediction layer's parameters. Default: `head.prediction`. */
  prediction?: string;
  /** By class, the probability from which the class counts as found. These thresholds are fitted on a validation split. */
  operatingThresholds?: Record<string, number>;
  /**
   * How heatmaps are computed. Default: `cam`, and `hirescam` for a network whose classifier is not linear, which has no class activation
   * maps.
   */
  heatmapMethod?: HeatmapMethod;
  /** Which range of a heatmap is scaled to [0, 255]: from its minimum to its maximum (`minmax`), or from 0 to its maximum (`relu`). */
  heatmapScaling: 'minmax' | 'relu';
  /**
   * How many rows and columns of cells at each side of a heatmap have no heat: their values become 0. Networks that pad with zeros see an edge
   * all around an image, and may be hottest there. Only with `heatmapScaling: 'relu'`, and only for class activation maps. Default 0.
   */
  heatmapBorder?: number;
  /**
   * The values at which heatmaps, scaled to [0, 255], are cut into regions: 1 to 16 different ones, above 0. Default 60 and 180, as in the
   * paper.
   */
  heatThresholds?: number[];
  /**
   * The smallest area of a region that gives a box, in cells of the heatmap. The region with the heatmap's highest value always gives one.
   * Default 0, as in the paper.
   */
  minRegion?: number;
  /** By class, other heat thresholds or another `minRegion` than the two fields above: a nodule is cut out otherwise than a heart. */
  boxRules?: Record<string, BoxRule>;
  /**
   * For 8-bit arithmetic (`precision: 'int8'`), by the name of a convolution's weights: the smallest and the largest number of its input that an
   * 8-bit integer stands for, at most 0 and at least 0. `raybox quantize --calibrate` measures them. Convolutions without a range are computed in f32.
   */
  activationRanges?: Record<string, readonly [number, number]>;
  /** The kind of images that the weights were trained on. Images of the other kind then get a warning. */
  imageKind?: ImageKind;
  /** What the weights were trained on; `none` for random weights. */
  trainingData: string;
  license: string;
  /** Names of fields whose values were assumed when the weights were written. `load` warns of them. */
  assumed?: string[];
  /** The warnings about the network that were given when it was converted from another format. `load` repeats them. */
  told?: Warning[];
}
