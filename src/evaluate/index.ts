/** `raybox/evaluate`: scores predictions against a data set. */
export {
  type EvaluationInput,
  type EvaluationOptions,
  type EvaluationResult,
  evaluate,
} from './evaluate.js';
export { type CasePicture, type EvaluationPageOptions, evaluationPage } from './evaluation_page.js';
