/** `raybox/evaluate`: scores predictions against a data set. */

export { type MaskedFinding, type MaskedImage, toCocoMasks } from '../formats/masks/coco_shapes.js';
export { type Polygon, polygonMask } from '../formats/masks/polygon.js';
export { pixelsOf, type Rle, readRleString, rleOfPixels, rleString } from '../formats/masks/rle.js';
export { readShapes, readShapeTable, type ShapeFileOptions } from '../formats/masks/shape_files.js';
export type { Region, Shape, ShapedImage, ShapeFile } from '../formats/masks/shapes.js';
export {
  type EvaluationInput,
  type EvaluationResult,
  evaluate,
} from './evaluate.js';
export type { MaskEvaluation, MaskPair, MaskScore, MaskThreshold, MaskValue } from './masks/evaluation.js';
export type { MaskFigure } from './masks/figures.js';
export type { HeatmapValues } from './masks/heatmap_size.js';
export { heatmapMask } from './masks/pairs.js';
export type { MaskScorerOptions } from './masks/parts.js';
export { type MaskResult, type MaskScoreOptions, type MaskScorer, maskScorer, predictedMasks } from './masks/scores.js';
export { type MaskTruth, maskTruth, type TruthImage, type TruthOptions } from './masks/truth.js';
export type { EvaluationOptions } from './options.js';
export { type CasePicture, type EvaluationPageOptions, evaluationPage } from './page/evaluation.js';
