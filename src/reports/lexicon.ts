/**
 * What the miner looks for, as data: each disease with the phrases that name it. `patterns.ts` describes the language of phrases, and
 * `abnormalities.ts` has everything else that makes a chest abnormal.
 *
 * Sources: the terms of ChestX-ray8 (Wang et al., CVPR 2017) and ChestX-ray14, the Fleischner Society's glossary of
 * terms for thoracic imaging (Radiology 2008;246:697), RadLex synonyms, and everyday report language.
 */

import { CHEST_XRAY14_LABELS } from '../formats/data_sets/image_table.js';
import type { Abnormality } from './abnormalities.js';

/** The fourteen diseases of ChestX-ray14 by its own names. The first eight are those of ChestX-ray8. */
export const diseases = CHEST_XRAY14_LABELS;

/** One of the fourteen labels of ChestX-ray14. */
export type Disease = (typeof diseases)[number];

/** The eight diseases of ChestX-ray8. */
export const eightDiseases = diseases.slice(0, 8);

/** Parts whose collapse is an atelectasis. A collapsed vertebra is not one. */
const collapsing =
  'lobe|lobar|lung|pulmonary|lingular|lingula|segmental|subsegmental|base|basal|basilar|bibasal|bibasilar|rll|rml|rul|lll|lul|alveolar';
const spine =
  'vertebra|vertebral|body|endplate|spine|spinal|compression|tracheal|trachea|airway|bronchial|circulatory|cardiovascular';
const levels = [...Array.from({ length: 12 }, (_, at) => `t${at + 1}`), 'l1', 'l2', 'l3', 'l4', 'l5'].join('|');
/** Cardiothoracic ratios as reports write them: "0.58", "58", "0.6". */
const ratios = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at)
    .flatMap((percent) => [`0.${percent}`, `${percent}`, ...(percent % 10 === 0 ? [`0.${percent / 10}`] : [])])
    .join('|');
const largeRatios = ratios(51, 90);
const normalRatios = ratios(30, 50);

const pleuralSpace = 'pleura|pleural space|cavity|recess|surface|line?';
const pleuralPlace = 'fissure|pleural|sulcus|hemithorax|costophrenic';
const quiet = 'clear|normal|unremarkable';
/**
 * Phrases that name fluid and thickening together. They are listed under both diseases, because each word of a sentence is used by only one
 * phrase, and here both need the word "pleura".
 */
const fluidAndThickening = ['', ` ${quiet} ,|;`].flatMap((before) => [
  `${pleuralSpace} :|-${before} no|without ..1 fluid or|and|nor ..1 thickening`,
  `${pleuralSpace} :|-${before} no|without ..1 thickening or|and|nor ..1 fluid`,
]);

/** The names of each disease. */
export const diseasePhrases: Record<Disease, readonly string[]> = {
  Atelectasis: [
    'atelectasis|atelectatic|atelectasia|microatelectasis|atx|atel|atelect',
    `${collapsing}|partial|complete|passive|compressive collapse`,
    `collapse of|at|in|involving ..4 ${collapsing}`,
    'collapse and|or|/|with? ..1 consolidation',
    'consolidation and|or|/|with? ..1 collapse',
    'collapsed ..3 lung|lobe|lingula|base',
    'lung|lobe|lingula|base ..2 collapsed',
  ],
  Cardiomegaly: [
    'cardiomegaly|megalocardia|cardiomeg',
    'enlarged ..2 heart',
    'enlargement of ..2 heart',
    'heart|cardiac enlargement|dilatation|dilation|dilated',
    'heart ..6 enlarged|large',
    'heart|cardiac ..3 no longer enlarged|large',
    'heart size? :|- ..2 enlarged|large',
    'cardiac size :|- ..2 enlarged|large',
    'large|big ..1 heart',
    'heart is|looks|appears ..1 big',
    `cardiothoracic|ct ratio :|is|of|measures|at? ..1 ${largeRatios}`,
    `ctr :|is|of|measures|at? ..1 ${largeRatios}`,
    'heart|cardiac size ..3 increased|large|enlarged',
    'heart|cardiac size :|- ..2 increased',
    'increased|enlarged cardiothoracic|cardio ratio',
    'cardiothoracic ratio ..3 increased|enlarged',
    'increased heart|cardiac size|diameter',
    'increase in heart|cardiac size',
    'borderline ..2 heart|cardiac size?',
    'heart|cardiac ..4 borderline enlarged|large?',
    'heart|cardiac ..6 upper limit of? normal or ..1 enlarged',
  ],
  Effusion: [
    'effusion|hydrothorax|hydropneumothorax|hemothorax|haemothorax|pyothorax|empyema|chylothorax',
    'pleural ..1 fluid',
    'eff|effus|pleff',
    'pleura|pleural space|cavity|recess? :|- ..3 fluid',
    // A gap does not match "no", so that the negation of another part does not count for this one. So these phrases name it.
    `${pleuralSpace} :|- no|without ..2 fluid`,
    'pleura / costophrenic angle|sulcus|recess :|- no|without ..2 fluid',
    `${pleuralSpace} :|- ${quiet} ,|; no|without ..2 fluid`,
    `${pleuralSpace} hold|holds|contain|contains|show|shows|demonstrate|demonstrates no? ..2 fluid`,
    `${pleuralSpace} is|are ..1 free|clear|devoid of ..1 fluid`,
    `fluid in|within|along|tracking ..3 ${pleuralPlace}`,
    `fluid or|and|nor air|gas in|within ..3 ${pleuralPlace}`,
    `fluid tracks|layers|layering ..3 ${pleuralPlace}`,
    'layering ..1 fluid',
    'fluid layers|layering',
    ...fluidAndThickening,
    'fissural fluid',
    'fluid ..1 collection',
    'subpulmonic fluid',
    'loculated ..1 fluid',
    'hemopericardium|hydropericardium',
  ],
  Infiltration: ['infiltrate|infiltration|infiltrative|infiltrated|infilt|infil'],
  Mass: ['mass|masslike', 'mass like'],
  Nodule: ['nodule|micronodule|spn', 'coin lesion'],
  Pneumonia: ['pneumonia|pna|bronchopneumonia|pneumonic|pleuropneumonia|pneumonitis'],
  Pneumothorax: [
    'pneumothorax|hydropneumothorax|hemopneumothorax|ptx|pntx|pnx|pthx|pneumo',
    'tension pneumothorax',
    'pneumo thorax',
  ],
  Consolidation: [
    'consolidation|consolidative|consolidated|consolidating|consol|cons',
    'collapse and|or|/|with? ..1 consolidation',
    'consolidation and|or|/|with? ..1 collapse',
  ],
  Edema: ['edema|oedema|edematous'],
  Emphysema: ['emphysema|emphysematous'],
  Fibrosis: ['fibrosis|fibrotic|fibrosing'],
  Pleural_Thickening: [
    'pleural|pleura|pleuroparenchymal|fissural|fissure|subpleural ..2 thickening|thickened|thick',
    'thickening of|in|along ..3 pleura|pleural|fissure',
    'thickened ..1 pleura|fissure',
    'pleural|apical cap|capping',
    'pleura|pleural :|- ..2 thickening|thickened',
    `${pleuralSpace} :|- no|without ..1 thickening`,
    ...fluidAndThickening,
    'fibrothorax|pachypleuritis',
  ],
  Hernia: ['hernia|herniation', 'hiatal|hiatus hernia', 'diaphragmatic hernia'],
};

/**
 * Words that may mean a disease but are not its name. A mention of them is uncertain, whatever the rules say, unless it is negated. The
 * likelihoods are learned from data like those of the rules.
 */
export interface VagueTerm {
  id: string;
  concept: Disease;
  likelihood: number;
  phrases: readonly string[];
}

const silhouette = 'cardiac|cardiopericardial|cardiomediastinal';

export const vagueTerms: readonly VagueTerm[] = [
  {
    id: 'nodular shape',
    concept: 'Nodule',
    likelihood: 0.25,
    phrases: [
      'nodular|nodularity|micronodular|reticulonodular|fibronodular ..1 opacity|density|lesion|shadow|pattern?',
    ],
  },
  { id: 'volume loss', concept: 'Atelectasis', likelihood: 0.06, phrases: ['volume loss', 'loss of volume'] },
  {
    id: 'enlarged silhouette',
    concept: 'Cardiomegaly',
    likelihood: 0.03,
    phrases: [
      `enlarged|large|prominent|increased ..1 ${silhouette} silhouette|contour|shadow?`,
      `enlargement|prominence of ..1 ${silhouette}`,
      'cardiopericardial|cardiomediastinal enlargement',
      `${silhouette} ..4 enlarged|large|increased|prominent`,
      `${silhouette} silhouette|contour|shadow? :|- ..2 enlarged|large|increased|prominent`,
      'prominent ..1 heart',
      'prominence of ..1 heart',
      'heart size? ..3 prominent',
      'ventricular|atrial|atrium|ventricle ..1 enlargement|enlarged|hypertrophy|dilatation|dilated',
      'enlarged ..1 ventricle|atrium',
    ],
  },
  {
    id: 'blunted angle',
    concept: 'Effusion',
    likelihood: 0.09,
    phrases: ['blunting|blunted ..6 costophrenic|sulcus|angle|recess', 'costophrenic|sulcus ..3 blunting|blunted'],
  },
];

const heart = 'heart|cardiac|cardiopericardial';
export const normalEnds = ['..5 normal|unremarkable', '..5 within normal limit'];

/** Phrases that say that a disease is not there: "heart size is normal". */
export const denials: Partial<Record<Disease, readonly string[]>> = {
  Cardiomegaly: [
    ...normalEnds.map((end) => `${heart} size|silhouette|contour|shadow? ${end}`),
    `${heart} size|silhouette|contour|shadow? :|- ..1 normal|unremarkable size|limit?`,
    `${heart} size|silhouette|contour|shadow? :|- within normal limit`,
    `normal|unremarkable ..2 ${heart} size|silhouette|contour|shadow?`,
    'normal size ..1 heart',
    `cardiothoracic|ct ratio :|is|of|measures|at? ..1 ${normalRatios}`,
    `ctr :|is|of|measures|at? ..1 ${normalRatios}`,
  ],
  Effusion: [`${pleuralSpace} :|-|is|are|appear|appears? ..1 dry`],
};

export type Concept = Disease | Abnormality;

/** Phrases that contain a word from above but mean something else. They use up the words, so that no disease is found in them. */
export const otherMeanings: readonly string[] = [
  'mass effect',
  // The name of a disease as part of the name of a protocol, a vaccine, a form and the like.
  'pneumonia|pneumothorax|effusion|nodule|mass|atelectasis|edema|hernia|emphysema|fibrosis|pna|pneumo screening|management|surveillance|prevention|order? protocol|set|measure|pathway|bundle|guideline|precaution|prophylaxis|vaccine|vaccination|education|clinic|program|registry|trial|algorithm|panel|score|severity|boot|vax',
  'pneumo peritoneum|mediastinum|pericardium|cephalus|coccal|coccus|conjugate',
  'pros and|& con',
  `collapse|collapsed of ..4 ${levels}|${spine}`,
  `partial|complete collapse of ..4 ${levels}|${spine}`,
  `${levels}|${spine} ..2 collapse|collapsed`,
  // An operation on a hernia, and what is left of it.
  'hernia repair|mesh|surgery|clip|operation',
  'hiatal|hiatus|diaphragmatic|paraesophageal|umbilical|inguinal|ventral|incisional|abdominal hernia repair|mesh|surgery|clip|operation',
  'pneumothorax|effusion|empyema tube|kit|catheter',
  'emphysematous cystitis|pyelonephritis|cholecystitis|gastritis',
  'consolidation chemotherapy|therapy',
  'body mass',
  'bone|muscle|fat|ventricular|lv mass',
  'heart|cardiac|cardiomediastinal|cardiopericardial|mediastinum ..6 upper|top limit of? normal',
  'heart|cardiac|cardiomediastinal ..6 upper|top|high normal|limit',
  'top|upper|high normal ..1 heart|cardiac size?',
  'limit of normal',
  'volume ..2 low normal',
  'nodular contour',
  'soft tissue shadow',
  'soft tissue edema|swelling',
  'bone|bony density|mineralization',
  'shadow of the? heart|breast',
  'breast shadow',
  'cardiac|heart|cardiomediastinal|mediastinal|cardiopericardial shadow',
  'line of sight',
  'in line with',
  'lead placement|shield|apron',
  // An operation is not a finding. Its lasting results have words of their own.
  'surgical|operative|postoperative|postsurgical|preoperative change?',
];
