/** The types of the three stages of a localization. `stages.ts` and `gradient_stage.ts` make them. */
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import type { Tensor, TensorSpec } from '../../graph/ir/tensor.js';
import type { ChooseVariant } from '../../graph/plan/lower.js';
import type { Location } from '../../graph/plan/record.js';
import type { Plan, WeightSource } from '../../graph/plan/types.js';
import type { NetworkFunction } from '../../nets/outputs.js';
import type { Source } from '../images/image_input.js';
import type { Request } from '../request.js';
import type { Cache } from './cache.js';

/** What the stages need to know about the network. */
export interface Spec {
  readonly network: NetworkFunction;
  /** What computes probabilities and features, if that is not the network itself, which gradients are computed from. */
  readonly main?: NetworkFunction;
  readonly metadata: WeightsMetadata;
  readonly precision: 'f32' | 'f16';
  /** Chooses kernels. Default: raybox's rules do. */
  readonly choose?: ChooseVariant | undefined;
  /** The parameters' values, if heatmaps come from gradients. The backward pass reads them when the first map is computed. */
  readonly weights?: WeightSource | undefined;
}

/** What computes the heatmaps of a network's stage. */
export interface Gradients {
  /**
   * Computes maps from the features of the network's last run. Classes without a map have zeros.
   * @param images of the batch that there are maps for
   * @param gates operating thresholds by class. Only classes whose probability reaches them get a map. Default: all get one.
   */
  run(images: number, gates: ArrayLike<number> | undefined, signal?: AbortSignal): Promise<void>;
  /** What it holds on the GPU. */
  bytes(): number;
}

export interface NetworkStage {
  readonly plan: Plan;
  /** [batch, size, size, channels]. */
  readonly image: Tensor;
  /** [batch, classes]. */
  readonly logits: Tensor;
  readonly probabilities: Tensor;
  /** [batch, classes, h, w]. */
  readonly heatmaps: TensorSpec;
  /** Where the heatmaps are. */
  readonly maps: Location;
  /** Computes the heatmaps, if they come from gradients. Otherwise the network's plan has computed them. */
  readonly gradients?: Gradients;
  /** The preprocessing stages that write to `image`, by image format and place in the batch. */
  readonly inputs: Cache<InputStage>;
  close(): void;
}

export interface InputStage {
  readonly plan: Plan;
  /** Preprocesses an image into its place in the network's input. */
  run(source: Source, signal?: AbortSignal): Promise<void>;
  close(): void;
}

export interface BoxStage {
  readonly plan: Plan;
  /** The table and the counts of boxes and, on request, heatmaps [1, classes, height, width] from 0 to 255. */
  readonly named: { readonly boxes: Tensor; readonly counts: Tensor; readonly scaled?: Tensor };
  /** The tensors of `named` in their order, as they are read back. */
  readonly outputs: readonly Tensor[];
  /** Extracts the boxes of one image of the network's last batch. */
  run(network: NetworkStage, slot: number, request: Request, signal?: AbortSignal): Promise<void>;
  close(): void;
}
