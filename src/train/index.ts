/**
 * `raybox/train`: trains a network from image-level labels, in Node or in a page. `train` is the whole training loop; `createTrainer` is a
 * single training step, for loops of your own. The command `raybox train` adds the reading and writing of files.
 */
export type { Image } from '../formats/images/pixels.js';
export { readCheckpoint } from '../formats/weights/read_checkpoint.js';
export { type Gpu, type GpuOptions, openGpu } from '../gpu/device.js';
export type { ActivationKeeper, ActivationRecords } from './activations.js';
export { type Augmentation, DEFAULT_AUGMENTATION, NO_AUGMENTATION } from './augmentation.js';
export {
  type EpochRecord,
  readTrainingCheckpoint,
  type TrainingCheckpoint,
  type TrainingState,
  writeCheckpoint,
} from './checkpoint.js';
export { type ClassCount, type SelectOptions, selectData, type TrainingData } from './data.js';
export { type FitOptions, fitPrediction } from './fit_prediction.js';
export type { ImageSource } from './input.js';
export { train } from './loop.js';
export { crossEntropy, euclidean, focal, hinge, type Loss, weightedCrossEntropy } from './losses.js';
export { networkImage } from './network_image.js';
export { adamw, type Optimizer, type Part, sgd } from './optimizers.js';
export type { Keeper, TrainOptions, TrainProgress, TrainResult } from './options.js';
export { constant, cosine, type Schedule, stepDecay, warmUp } from './schedules.js';
export type { InputSettings, LossSettings, OptimizerSettings, ScheduleSettings, TrainSettings } from './settings.js';
export { type Start, startOf } from './start.js';
export type { StartOptions } from './start_options.js';
export { createTrainer, NotFiniteError, type Trainer } from './step.js';
export type { TrainerOptions } from './trainer_options.js';
