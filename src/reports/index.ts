/** `raybox/reports`: derives labels from the texts of radiology reports. */
export {
  type ChexpertLabel,
  type ChexpertLabels,
  type ChexpertValue,
  chexpertLabels,
  mineChexpert,
} from './chexpert.js';
export { type Disease, diseases, eightDiseases } from './lexicon.js';
export { type Evidence, type LabelStatus, type MineOptions, mineReport, type ReportLabels } from './mine.js';
export { type OpenIReport, readOpenI } from './openi.js';
