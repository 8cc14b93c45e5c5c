/**
 * What the miner looks for, as data: each concept with the phrases that name it (the language is `patterns.ts`'s).
 *
 * Sources: the terms of ChestX-ray8 (Wang et al., CVPR 2017) and ChestX-ray14, the Fleischner Society's glossary of
 * terms for thoracic imaging (Radiology 2008;246:697), RadLex synonyms, and everyday report language.
 */

/** The fourteen diseases of ChestX-ray14 by its own names; the first eight are ChestX-ray8's. */
export const diseases = [
  'Atelectasis',
  'Cardiomegaly',
  'Effusion',
  'Infiltration',
  'Mass',
  'Nodule',
  'Pneumonia',
  'Pneumothorax',
  'Consolidation',
  'Edema',
  'Emphysema',
  'Fibrosis',
  'Pleural_Thickening',
  'Hernia',
] as const;

export type Disease = (typeof diseases)[number];

/** The eight of ChestX-ray8. */
export const eightDiseases = diseases.slice(0, 8);

export const diseasePhrases: Record<Disease, readonly string[]> = {
  Atelectasis: [
    'atelectasis|atelectatic|atelectasia|atelactasis|atelectesis|microatelectasis',
    'lobe|lobar|lung|lingular|segmental|subsegmental|partial|complete collapse',
    'collapse of ..4 lobe|lung|lingula',
    'collapsed lung|lobe',
    'lung|lobe ..2 collapsed',
  ],
  Cardiomegaly: [
    'cardiomegaly|cardiomegally|megalocardia',
    'enlarged ..2 heart',
    'enlargement of ..2 heart',
    'heart|cardiac enlargement|dilatation|dilation|dilated',
    'heart ..6 enlarged|large',
    'large ..1 heart',
    'heart|cardiac size ..3 increased|large|enlarged',
    'increased heart|cardiac size|diameter',
    'increase in heart|cardiac size',
    'borderline ..2 heart|cardiac size?',
    'heart|cardiac ..4 borderline enlarged|large?',
    'heart|cardiac ..6 upper limit of? normal or ..1 enlarged',
  ],
  Effusion: [
    'effusion|hydrothorax|hydropneumothorax|hemothorax|haemothorax|pyothorax|empyema|chylothorax',
    'pleural ..1 fluid',
    'fluid in|within|along|tracking ..3 fissure|pleural',
    'fissural fluid',
    'fluid ..1 collection',
    'subpulmonic fluid',
    'loculated ..1 fluid',
    'hemopericardium|hydropericardium',
  ],
  Infiltration: ['infiltrate|infiltration|infiltrative|infiltrated'],
  Mass: ['mass|masslike', 'mass like'],
  Nodule: ['nodule|micronodule', 'coin lesion'],
  Pneumonia: ['pneumonia|bronchopneumonia|pneumonic|pleuropneumonia|pneumonitis'],
  Pneumothorax: ['pneumothorax|hydropneumothorax|hemopneumothorax|ptx', 'tension pneumothorax'],
  Consolidation: ['consolidation|consolidative|consolidated|consolidating'],
  Edema: ['edema|oedema|edematous'],
  Emphysema: ['emphysema|emphysematous'],
  Fibrosis: ['fibrosis|fibrotic|fibrosing'],
  Pleural_Thickening: [
    'pleural|pleura|pleuroparenchymal|fissural|fissure|subpleural ..2 thickening|thickened|thick',
    'thickening of|in|along ..3 pleura|pleural|fissure',
    'thickened ..1 pleura|fissure',
    'pleural|apical cap|capping',
    'fibrothorax|pachypleuritis',
  ],
  Hernia: ['hernia|herniation', 'hiatal|hiatus hernia', 'diaphragmatic hernia'],
};

/**
 * Everything else that makes a chest abnormal. Normal means no abnormality at all, so these concepts are never written
 * as labels of their own, but each of them takes Normal away, and the explanation names it.
 */
export const abnormalityPhrases = {
  Opacity: [
    'opacity|opacification|opacified|opaque|haziness|hazy',
    'density|hyperdensity|radiodensity|radiopacity|radiopaque|dense',
    'airspace|alveolar disease|process|change|abnormality|filling',
    'air space disease|process|change|abnormality',
    'interstitial ..1 disease|marking|change|thickening|prominence|abnormality|process|lung|coarsening|pattern',
    'prominent|increased|coarse|coarsened|accentuated|diffuse ..3 marking',
    'marking ..2 prominent|increased|coarse|coarsened|accentuated',
    'prominence|coarsening|accentuation|increase of|in ..3 marking|interstitium',
    'bronchovascular crowding',
    'crowding',
    'reticular|reticulation|honeycombing|ground-glass|groundglass',
    'ground glass',
    'streaky|patchy|streak',
    'shadow|shadowing',
    'lucency|hyperlucency|hyperlucent|hyperlucencies',
    'lesion',
    'air bronchogram',
    'silhouetting',
    'parenchymal disease|change|abnormality|lung?',
    'lung disease',
    'focal|active|acute? lung? disease|process',
    'pneumoconiosis|silicosis|asbestosis|asbestos|ards|embolism|embolus|infarct|infarction|miliary|aspergilloma|mycetoma|pleuritis|pleurisy|hematoma|seroma|ascites|oligemia|atresia|agenesis|hypoplasia|hypoplastic',
    'tree in bud',
    'septal line',
    'cystic fibrosis',
    'air|fluid fluid? level',
    'infection|infectious|inflammatory|inflammation|bronchitis|bronchiolitis|bronchitic|aspiration|tuberculosis|abscess|sarcoidosis|sarcoid|contusion|hemorrhage|reactive|asthma',
    'asymmetry|asymmetric|asymmetrical',
  ],
  Scar: ['scar|scarring|cicatrix|cicatricial|architectural'],
  Granuloma: ['granuloma|granulomatous|histoplasmosis|granulomata', 'calcification|calcified|calcific|calcinosis'],
  Lung_volume: [
    'hyperinflation|hyperinflated|hyperexpansion|hyperexpanded|hyperaeration|hyperaerated|overinflated|overinflation',
    'hypoinflation|hypoinflated|hypoexpansion|hypoventilation|hypoventilatory|hypoventilated|hypoaerated|underinflated|underinflation|underexpanded|hypoexpanded|hypoaeration|underaerated',
    'low|decreased|diminished|reduced|small|shallow|poor ..2 volume',
    'low ..1 lung ..1 volume',
    'volume ..3 low|decreased|diminished|reduced|small|shallow',
    'low|decreased|diminished|reduced|shallow|poor|suboptimal|limited inspiration|inspiratory|expansion',
    'poorly|incompletely expanded|inflated|aerated',
    'large lung volume',
    'lung volume ..2 large|increased',
    'flattening|flattened ..4 diaphragm|hemidiaphragm',
    'diaphragm|hemidiaphragm ..2 flattened|flattening|flat',
    'copd',
    'obstructive ..1 disease|lung|airway',
    'air trapping',
    'barrel',
    'increased|enlarged ..1 ap|anteroposterior|retrosternal',
    'bulla|bullous|bleb|cyst|cystic|cavity|cavitary|cavitation|cavitating|pneumatocele',
  ],
  Vascular: [
    'congestion|congestive|congested|cephalization|engorgement|engorged|chf|hypervolemia|overload|hypertension',
    'heart|cardiac failure|decompensation',
    'pulmonary|vascular|central|venous|hilar|bihilar|vasculature|vascularity|hilum|artery|mediastinal|mediastinum|perihilar|azygos|aorta|aortic|vessel ..4 prominent|prominence|dilated|distended|fullness|enlarged|enlargement|full|widened|widening|engorged|bulky|ectatic|increased',
    'prominent|prominence|dilated|distended|fullness|enlarged|enlargement|full|widened|widening|dilatation|increased|indistinct ..4 pulmonary|vascular|central|venous|hilar|bihilar|hilum|vasculature|vascularity|artery|mediastinal|mediastinum|perihilar|azygos|aorta|aortic|knob|vessel',
    'vascular|venous redistribution|distension',
    'adenopathy|lymphadenopathy',
    'enlarged ..1 node',
    'lymph node',
    'kerley|cuffing',
    'peribronchial|bronchial|interstitial|septal|bronchovascular|paratracheal ..1 thickening|thickened|cuffing',
    'bronchial wall',
    'bronchiectasis|bronchiectatic',
  ],
  Aorta: [
    'tortuous|tortuosity|ectasia|ectatic|uncoiled|uncoiling|unfolding|unfolded|atherosclerosis|atherosclerotic|aneurysm|aneurysmal|arteriosclerosis|arteriosclerotic|elongated|elongation',
    'atheromatous|coarctation|stenosis',
    'right sided? aortic? arch',
    'aberrant ..2 artery|subclavian',
  ],
  Pleura: [
    'blunting|blunted',
    'costophrenic angle ..2 obscured',
    'pleural ..1 disease|abnormality|reaction|density|opacity|calcification|lesion|base|based|change|plaque|scarring|scar|fibrosis',
    'thickening|thickened',
    'plaque',
  ],
  Diaphragm: [
    'elevation|elevated|eventration|eventrated',
    'hemidiaphragm|diaphragm ..2 high|raised',
    'free ..3 air',
    'pneumoperitoneum|pneumomediastinum|pneumopericardium',
    'subcutaneous|soft|mediastinal emphysema|air|gas',
    'diverticulum|achalasia|splenomegaly|hepatomegaly|hepatosplenomegaly|cholelithiasis|gallstone|nephrolithiasis|ileus|interposition|chilaiditi|varix',
    'bowel obstruction',
    'distended|dilated ..2 bowel|stomach|colon|loop',
    'bowel|stomach|colon|loop ..2 distended|dilated|distention',
  ],
  Spine: [
    'degenerative|degeneration|spondylosis|spondylitic|spondylotic|osteophyte|osteophytosis|osteophytic|arthritis|arthritic|osteoarthritis|osteoarthritic|arthropathy|arthrosis|spurring|spur|dish|syndesmophyte|hyperostosis|spondylitis|hypertrophic|ossification|ankylosis|bridging',
    'scoliosis|scoliotic|kyphosis|kyphotic|dextroscoliosis|levoscoliosis|kyphoscoliosis|lordosis|dextrocurvature|levocurvature|curvature|dextroconvex|levoconvex|rotoscoliosis',
    'osteopenia|osteopenic|osteoporosis|osteoporotic|osteodystrophy|demineralization|demineralized|demineralised',
    'fracture|fractured|deformity|dislocation|subluxation|wedging|wedge|wedged|compression|callus|avulsion|nonunion',
    'vertebral|vertebra ..3 collapse|loss|height',
    'loss of ..3 height',
    'disc|disk|joint space? narrowing|disease|loss|change',
    'narrowing of ..3 disc|disk|joint',
    'schmorl|lytic|blastic|sclerosis|sclerotic|erosion|erosive|paget|enostosis|exostosis|osteochondroma|chondrocalcinosis|listhesis|spondylolisthesis|anterolisthesis|retrolisthesis|hemivertebra|enthesopathy|enthesophyte|hyperkyphosis|pectus|anomaly|anomalous|congenital|bifid|cervical rib',
    'cervical rib',
    'absent|missing|resected|resection',
    'rib notching',
    'pigeon|excavatum|carinatum',
    'endplate ..2 change|depression|deformity|irregularity',
    'anterior endplate',
    'separation',
  ],
  Device: [
    'pacemaker|pacer|icd|aicd|defibrillator|generator|lead|stimulator|neurostimulator|device|electrode|recorder|pump|battery',
    'catheter|picc|port|mediport|portacath|cannula|line|tube|tubing|drain|pigtail|hickman|dobhoff|swan|ett|shunt|filter|tip',
    'nasogastric|endotracheal|tracheostomy|enteric|feeding|chest|thoracostomy tube',
    'stent|clip|suture|staple|wire|hardware|prosthesis|prosthetic|implant|implanted|valve|coil|rod|screw|plate|pin|anchor|cage|graft|expander|piercing|band',
    'arthroplasty|fixation|fusion|fused|vertebroplasty|kyphoplasty|augmentation|cement|brace|sling|tracheostomy',
    'foreign body|object',
    'bullet|shrapnel|gunshot|pellet|metallic|metal|buckshot',
  ],
  Resection: [
    'lobectomy|pneumonectomy|mastectomy|thoracotomy|thoracoplasty|nephrectomy|splenectomy|laminectomy|corpectomy|resection|transplant|reconstruction',
    'radiation|irradiation|postradiation',
  ],
  Neoplasm: [
    'malignancy|malignant|neoplasm|neoplastic|tumor|tumour|cancer|carcinoma|carcinomatosis|lymphoma|lymphangitic|metastasis|metastatic|goiter|thymoma|hamartoma|lipoma|lipomatosis|mesothelioma|teratoma|myeloma|leukemia',
  ],
  Shift: [
    'shift|shifted|deviation|deviated|displacement|displaced',
    'situs|dextrocardia|dextroposition',
    'azygos|azygous fissure|lobe',
    'cardiophrenic|pericardial|epicardial ..1 fat|cyst',
    'fat pad',
    'nipple',
    'fissure ..2 visible',
    'double|abnormal ..1 density|contour',
    'abnormal',
    'sequela|sequelae|residual|residua',
    'chronic ..3 change|disease|appearing|abnormality',
    'loculated',
    'gaseous|gas',
    'pathology',
    'artifact|artifactual|superimposed|superimposition',
    'obscured|obscuring|obscure|obscuration|obscures',
    'hiatal',
    'rotated|rotation',
    'irregular|irregularity',
    'ring',
    'gynecomastia',
  ],
} as const satisfies Record<string, readonly string[]>;

/**
 * Words that may mean a disease but are not its name. A mention is uncertain, whatever the rules say, unless it is
 * negated; the likelihoods are learned like those of the cues in `rules.ts`.
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
    likelihood: 0.15,
    phrases: ['nodular|nodularity|micronodular|reticulonodular ..1 opacity|density|lesion|shadow|pattern?'],
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

export type Abnormality = keyof typeof abnormalityPhrases;
export type Concept = Disease | Abnormality;

/** Phrases that hold a word from above but do not mean it. They take its place, so nothing is found there. */
export const otherMeanings: readonly string[] = [
  'mass effect',
  'body mass',
  'heart|cardiac|cardiomediastinal|cardiopericardial|mediastinum ..6 upper|top limit of? normal',
  'heart|cardiac|cardiomediastinal ..6 upper normal|limit',
  'limit of normal',
  'volume ..2 low normal',
  'nodular contour',
  'soft tissue shadow',
  'soft tissue edema|swelling',
  'pedal|ankle|leg|peripheral|facial|cerebral edema',
  'bone|bony density|mineralization',
  'shadow of the? heart|breast',
  'breast shadow',
  'cardiac|heart|cardiomediastinal|mediastinal|cardiopericardial shadow',
  'line of sight',
  'in line with',
  'lead placement|shield|apron',
  // An operation is no finding; what it leaves behind has words of its own.
  'surgical|operative|postoperative|postsurgical|preoperative change?',
];

/** A clause with one of these is about another part of the body, where reports on several examinations come together. */
export const elsewhere = new Set(
  'knee patella patellar patellofemoral ankle foot forefoot midfoot hindfoot calcaneus calcaneal toe metatarsal tarsal wrist finger thumb metacarpal carpal scaphoid phalanx elbow forearm tibia fibula femur thigh'.split(
    ' ',
  ),
);
