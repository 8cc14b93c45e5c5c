/** `raybox/evaluate`: predictions against truth. */
export {
  type EvaluationInput,
  type EvaluationOptions,
  type EvaluationResult,
  evaluate,
} from './evaluate.js';
export { type CasePicture, type ReportOptions, reportHtml } from './report_html.js';
