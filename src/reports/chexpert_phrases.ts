/** The phrases that name each column of the CheXpert labeller, as data. `patterns.ts` describes their language. */

import { denials, diseasePhrases, normalEnds } from './lexicon.js';

const wide = 'widened|widening|wide|enlarged|enlargement|prominent|prominence|increased|fullness|full';
const middle = 'mediastinum|cardiomediastinum';
const ofMiddle = 'mediastinal|cardiomediastinal|paratracheal';
const heart = 'heart|cardiac|cardiopericardial';
const shape = 'silhouette|contour|shadow|outline|width|stripe';
const vessels = 'vessel|vasculature|vascularity';

/** The names of each observation. If a disease of ChestX-ray14 means the same, its names are used. */
export const chexpertPhrases = {
  'Enlarged Cardiomediastinum': [
    `${wide} ..2 ${middle}`,
    `${middle} ..4 ${wide}`,
    `${wide} ..2 ${ofMiddle} ${shape}`,
    `${ofMiddle} ${shape} :|-? ..4 ${wide}`,
    `${ofMiddle} widening|enlargement|prominence|fullness`,
    `${wide} of ..2 ${ofMiddle} ${shape}`,
  ],
  Cardiomegaly: [
    ...diseasePhrases.Cardiomegaly,
    `enlarged|large|prominent|increased ..1 ${heart} ${shape}`,
    `enlargement|prominence of ..1 ${heart} ${shape}?`,
    `${heart} ${shape} size? ..4 enlarged|large|increased|prominent|borderline`,
    `${heart} ${shape} size? :|- ..3 enlarged|large|increased|prominent`,
    'cardiopericardial enlargement',
    'prominent ..1 heart',
  ],
  'Lung Lesion': [
    ...diseasePhrases.Mass,
    ...diseasePhrases.Nodule,
    'nodular|micronodular|reticulonodular ..1 opacity|density|opacification|lesion|shadow',
    'lung|pulmonary|cavitary|cavitating|focal|parenchymal|rounded|round lesion',
    'lesion in|of|within ..4 lung|lobe|apex|base|lingula',
    'neoplasm|tumor|tumour|carcinoma|lump',
    'lung|pulmonary|bronchogenic ..1 cancer|malignancy|metastasis',
    'metastasis in|to|of ..2 lung',
  ],
  'Lung Opacity': [
    ...diseasePhrases.Infiltration,
    'opacity|opacification|opacified|haziness|hazy|groundglass',
    'ground glass',
    'increased|abnormal|patchy|basilar|basal|streaky|linear|confluent|retrocardiac ..1 density',
    'density in|at|over ..4 lung|lobe|base|apex|lingula',
    'airspace|alveolar disease|process|filling|change|abnormality',
    'air space disease|process|change|abnormality|opacity',
    'decreased translucency|aeration',
    'interstitial ..1 marking|pattern|disease|thickening|prominence|abnormality|lung|change|process',
    'reticular|reticulonodular ..1 pattern|marking|change',
    'reticulation|honeycombing',
    'parenchymal|lung|pulmonary|apical|basilar ..1 scarring|scar',
    'peribronchial|bronchial wall? thickening|cuffing',
    'air bronchogram',
  ],
  Edema: [
    ...diseasePhrases.Edema,
    'heart|cardiac failure|decompensation',
    'chf|cephalization',
    'kerley b|a? line?',
    'pulmonary|vascular|venous ..1 congestion|engorgement|redistribution',
    `congestion|engorgement|indistinctness|prominence of ..2 ${vessels}`,
    'vascular indistinctness|prominence',
    `indistinct ..2 ${vessels}`,
    `${vessels} ..2 indistinct|congested|engorged`,
    'congestive change',
    'fluid|volume overload',
  ],
  Consolidation: diseasePhrases.Consolidation,
  Pneumonia: [...diseasePhrases.Pneumonia, 'infection|infectious'],
  Atelectasis: diseasePhrases.Atelectasis,
  Pneumothorax: diseasePhrases.Pneumothorax,
  'Pleural Effusion': [
    ...diseasePhrases.Effusion.filter((phrase) => !phrase.includes('pericardium')),
    'pleural and|or pericardial effusion',
  ],
  'Pleural Other': [
    ...diseasePhrases.Pleural_Thickening,
    ...diseasePhrases.Fibrosis,
    'pleural|pleuroparenchymal|pleuropericardial ..1 scar|scarring|plaque|calcification|adhesion|fibrosis',
  ],
  Fracture: ['fracture|fractured|nonunion', 'compression deformity|fracture'],
  'Support Devices': [
    'pacemaker|pacer|icd|aicd|defibrillator|stimulator|neurostimulator|recorder|device|hardware',
    'pacing|pacer|pacemaker|defibrillator|icd|ventricular|atrial lead|wire|electrode',
    'catheter|picc|port|mediport|portacath|cannula|line|tube|tubing|drain|pigtail|hickman|dobhoff|swan|ett|ngt|shunt|filter',
    'central|venous|arterial|picc|subclavian|jugular|femoral|dialysis line|catheter',
    'stent|prosthesis|prosthetic|valve|coil|rod|screw|plate|pin|plug|graft|marker',
    'arthroplasty|fixation|tracheostomy',
    'balloon pump',
    'iabp|impella|ecmo|lvad',
    'support|monitoring device|apparatus|equipment',
    'support apparatus|equipment',
  ],
} as const satisfies Record<string, readonly string[]>;

export type ChexpertObservation = keyof typeof chexpertPhrases;

const bothShapes = `${heart} size|silhouette|contour? and ${ofMiddle}|mediastinum silhouette|contour?`;

/** Phrases that say that an observation is not there, for which the labeller gives 0: "heart size is normal". */
export const chexpertDenials: Partial<Record<ChexpertObservation, readonly string[]>> = {
  'Enlarged Cardiomediastinum': [
    ...normalEnds.flatMap((end) => [`${middle} ${end}`, `${ofMiddle} ${shape} ${end}`, `${bothShapes} ${end}`]),
    `normal|unremarkable ..2 ${ofMiddle} ${shape}`,
  ],
  Cardiomegaly: [...(denials.Cardiomegaly ?? []), ...normalEnds.map((end) => `${bothShapes} ${end}`)],
};

/** Phrases that contain a word from above but mean something else. */
export const chexpertOtherMeanings: readonly string[] = [
  'pericardial ..1 effusion|fluid',
  'effusion in|of|around ..2 pericardium|heart',
  'fracture|costophrenic|cardiophrenic|mediastinal|pleural|paraspinal|junction|septal|fissure|tram|azygos|fissural|visceral ..1 line',
  'aortic|mitral|tricuspid|pulmonary valve calcification|disease|stenosis',
  'calcification of ..3 valve',
  'bone|lytic|blastic|sclerotic|osseous|bony lesion|metastasis|density',
  'plate like',
  'lead to',
  'growth plate',
  'heart|cardiac failure cell',
  'nipple marker',
];
