/**
 * Names of everything besides the fourteen diseases that makes a chest abnormal, as data. These concepts are never written as labels. But
 * Normal means no abnormality at all, so a report that states one of them is not Normal, and an explanation names it.
 */

const enlarged =
  'prominent|prominence|dilated|dilatation|distended|fullness|full|enlarged|enlargement|widened|widening|increased';
const vessels =
  'pulmonary|vascular|venous|central|hilar|bihilar|hilum|perihilar|vasculature|vascularity|vessel|artery|mediastinal|mediastinum|azygos|aorta|aortic';
const small = 'low|decreased|diminished|reduced|small|shallow|poor';

export const abnormalityPhrases = {
  Opacity: [
    'opacity|opacification|opacified|opaque|haziness|hazy|shadow|shadowing|silhouetting',
    'density|dense|hyperdensity|radiodensity|radiopacity|radiopaque',
    'lucency|hyperlucency|hyperlucent',
    'streak|streaky|patchy|reticular|reticulation|honeycombing|groundglass|miliary',
    'ground glass',
    'tree in bud',
    'lesion',
    'airspace|alveolar disease|process|change|abnormality|filling',
    'air space disease|process|change|abnormality',
    'air bronchogram',
    'air|fluid fluid? level',
    'asymmetry|asymmetric|asymmetrical|irregular|irregularity|ring',
    'obscured|obscuring|obscuration|superimposed|superimposition',
  ],
  Interstitium: [
    'interstitial ..1 disease|marking|change|thickening|prominence|abnormality|process|lung|coarsening|pattern',
    'prominent|increased|coarse|coarsened|accentuated|diffuse ..3 marking',
    'marking ..2 prominent|increased|coarse|coarsened|accentuated',
    'prominence|coarsening|accentuation|increase of|in ..3 marking|interstitium',
    'crowding|kerley',
    'septal line',
    'parenchymal disease|change|abnormality|lung?',
  ],
  Lung_disease: [
    'lung? disease|process|pathology',
    'infection|infectious|inflammation|inflammatory|bronchitis|bronchitic|bronchiolitis|aspiration|tuberculosis|abscess|aspergilloma|mycetoma',
    'sarcoid|sarcoidosis|pneumoconiosis|silicosis|asbestosis|asbestos|ards|asthma|reactive',
    'embolism|embolus|infarct|infarction|contusion|hemorrhage|hematoma|oligemia|atresia|agenesis|hypoplasia|hypoplastic',
    'cystic fibrosis',
    'bulla|bullous|bleb|cyst|cystic|cavity|cavitary|cavitation|cavitating|pneumatocele',
    'chronic ..3 change|disease|appearing|abnormality',
    'sequela|sequelae|residual|residua',
    'abnormal',
  ],
  Airways: [
    'bronchiectasis|bronchiectatic|cuffing',
    'peribronchial|bronchial|interstitial|septal|bronchovascular|paratracheal ..1 thickening|thickened',
    'bronchial wall',
    'copd|barrel',
    'obstructive ..1 disease|lung|airway',
    'air trapping',
  ],
  Scar: ['scar|scarring|cicatrix|cicatricial|architectural'],
  Granuloma: ['granuloma|granulomata|granulomatous|histoplasmosis', 'calcification|calcified|calcific|calcinosis'],
  Lung_volume: [
    'hyperinflation|hyperinflated|overinflation|overinflated|hyperexpansion|hyperexpanded|hyperaeration|hyperaerated',
    'hypoinflation|hypoinflated|underinflation|underinflated|hypoexpansion|hypoexpanded|underexpanded',
    'hypoventilation|hypoventilated|hypoventilatory|hypoaeration|hypoaerated|underaerated',
    `${small} ..2 volume`,
    `volume ..3 ${small}`,
    `${small}|suboptimal|limited inspiration|inspiratory|expansion`,
    'poorly|incompletely expanded|inflated|aerated',
    'large lung volume',
    'lung volume ..2 large|increased',
    'flattening|flattened ..4 diaphragm|hemidiaphragm',
    'diaphragm|hemidiaphragm ..2 flattened|flattening|flat',
    'increased|enlarged ..1 ap|anteroposterior|retrosternal',
  ],
  Vessels: [
    'congestion|congestive|congested|cephalization|engorgement|engorged|chf|hypervolemia|overload|hypertension',
    'heart|cardiac failure|decompensation',
    `${vessels} ..4 ${enlarged}|engorged|bulky|ectatic`,
    `${enlarged}|indistinct ..4 ${vessels}|knob`,
    'vascular|venous redistribution|distension',
    'adenopathy|lymphadenopathy',
    'lymph node',
    'enlarged ..1 node',
  ],
  Aorta: [
    'tortuous|tortuosity|ectasia|ectatic|uncoiled|uncoiling|unfolded|unfolding|elongated|elongation',
    'atherosclerosis|atherosclerotic|arteriosclerosis|arteriosclerotic|atheromatous|aneurysm|aneurysmal|coarctation|stenosis',
    'right sided? aortic? arch',
    'aberrant ..2 artery|subclavian',
  ],
  Pleura: [
    'blunting|blunted|thickening|thickened|plaque|pleuritis|pleurisy|loculated',
    'costophrenic angle ..2 obscured',
    'pleural ..1 disease|abnormality|reaction|density|opacity|calcification|lesion|base|based|change|plaque|scarring|scar|fibrosis',
    'fissure ..2 visible',
  ],
  Diaphragm: ['elevation|elevated|eventration|eventrated', 'hemidiaphragm|diaphragm ..2 high|raised', 'hiatal'],
  Abdomen: [
    'ascites|diverticulum|achalasia|splenomegaly|hepatomegaly|hepatosplenomegaly|cholelithiasis|gallstone|nephrolithiasis|ileus|interposition|chilaiditi|varix',
    'bowel obstruction',
    'distended|dilated ..2 bowel|stomach|colon|loop',
    'bowel|stomach|colon|loop ..2 distended|dilated|distention',
  ],
  Free_air: [
    'free ..3 air',
    'air under|below|beneath ..2 diaphragm|hemidiaphragm',
    'pneumoperitoneum|pneumomediastinum|pneumopericardium|gaseous|gas',
    'subcutaneous|soft|mediastinal emphysema|air|gas',
  ],
  Bone: [
    'degenerative|degeneration|spondylosis|spondylitic|spondylotic|spondylitis|ankylosis|syndesmophyte|bridging|dish',
    'osteophyte|osteophytosis|osteophytic|spur|spurring|hyperostosis|hypertrophic|ossification|enthesopathy|enthesophyte',
    'arthritis|arthritic|osteoarthritis|osteoarthritic|arthropathy|arthrosis|chondrocalcinosis',
    'scoliosis|scoliotic|dextroscoliosis|levoscoliosis|rotoscoliosis|kyphoscoliosis|curvature|dextrocurvature|levocurvature|dextroconvex|levoconvex',
    'kyphosis|kyphotic|hyperkyphosis|lordosis|listhesis|spondylolisthesis|anterolisthesis|retrolisthesis',
    'osteopenia|osteopenic|osteoporosis|osteoporotic|osteodystrophy|demineralization|demineralized|demineralised',
    'fracture|fractured|deformity|dislocation|subluxation|separation|wedge|wedging|wedged|compression|callus|avulsion|nonunion',
    'vertebral|vertebra ..3 collapse|loss|height',
    'loss of ..3 height',
    'disc|disk|joint space? narrowing|disease|loss|change',
    'narrowing of ..3 disc|disk|joint',
    'endplate ..2 change|depression|deformity|irregularity',
    'lytic|blastic|sclerosis|sclerotic|erosion|erosive|paget|schmorl|enostosis|exostosis|osteochondroma|hemivertebra',
    'pectus|pigeon|excavatum|carinatum|anomaly|anomalous|congenital|bifid',
    'cervical rib',
    'rib notching',
  ],
  Device: [
    'pacemaker|pacer|icd|aicd|defibrillator|generator|lead|stimulator|neurostimulator|device|electrode|recorder|pump|battery',
    'catheter|picc|port|mediport|portacath|cannula|line|tube|tubing|drain|pigtail|hickman|dobhoff|swan|ett|shunt|filter|tip',
    'stent|clip|suture|staple|wire|hardware|prosthesis|prosthetic|implant|implanted|valve|coil|rod|screw|plate|pin|anchor|cage|graft|expander|piercing|band',
    'arthroplasty|fixation|fusion|fused|vertebroplasty|kyphoplasty|augmentation|cement|brace|sling|tracheostomy',
    'foreign body|object',
    'bullet|shrapnel|gunshot|pellet|metallic|metal|buckshot',
  ],
  // Lasting results of an operation. The fact that there was an operation is not a finding by itself (see `otherMeanings`).
  Resection: [
    'lobectomy|pneumonectomy|mastectomy|thoracotomy|thoracoplasty|nephrectomy|splenectomy|laminectomy|corpectomy|resection|transplant|reconstruction',
    'missing|resected',
    'radiation|irradiation|postradiation',
  ],
  Neoplasm: [
    'malignancy|malignant|neoplasm|neoplastic|tumor|tumour|cancer|carcinoma|carcinomatosis|lymphangitic|metastasis|metastatic',
    'lymphoma|leukemia|myeloma|mesothelioma|thymoma|teratoma|hamartoma|lipoma|lipomatosis|goiter',
  ],
  Position: [
    'shift|shifted|deviation|deviated|displacement|displaced',
    'situs|dextrocardia|dextroposition',
    'azygos|azygous fissure|lobe',
  ],
  Other: [
    'cardiophrenic|pericardial|epicardial ..1 fat|cyst',
    'fat pad',
    'double|abnormal ..1 density|contour',
    'convexity|bulge|bulging|protuberance|widening',
    'round|rounded|oval structure|focus',
    'nipple|gynecomastia|seroma|artifact|artifactual|rotated|rotation',
  ],
} as const satisfies Record<string, readonly string[]>;

export type Abnormality = keyof typeof abnormalityPhrases;
