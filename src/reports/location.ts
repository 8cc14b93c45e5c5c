/** Recognises findings of other parts of the body: an effusion of the shoulder, a thyroid nodule, an inguinal hernia. */

import { wordSet } from './text/words.js';

/** A clause with one of these words is about another part of the body. Some reports are about several examinations. */
const otherExaminations = wordSet(
  'knee patella patellar patellofemoral ankle foot forefoot midfoot hindfoot calcaneus calcaneal toe metatarsal tarsal wrist finger thumb metacarpal carpal scaphoid phalanx elbow forearm tibia fibula femur thigh',
);
const joints = wordSet(
  'joint shoulder hip glenohumeral acromioclavicular ac sternoclavicular temporomandibular facet sacroiliac bursa bursal subacromial subdeltoid suprapatellar tibiotalar humeral intraarticular articular ear subdural epidural scrotal peritoneal intraperitoneal abdominal intraabdominal abdomen subphrenic subdiaphragmatic perihepatic perinephric pelvic pelvis subcutaneous retroperitoneal mastoid bowel stomach gastric scalp liver hepatic spleen splenic kidney renal pancreas pancreatic',
);
const organs = wordSet(
  'thyroid breast liver hepatic kidney renal adrenal spleen splenic pancreas pancreatic abdomen abdominal intraabdominal pelvis pelvic neck scalp skin cutaneous subcutaneous dermal brain orbital orbit bladder ovary ovarian uterus uterine prostate stomach gastric bowel colon colonic rectal rectum parotid salivary sinus maxillary vertebral vertebra humerus humeral scapula scapular clavicle clavicular muscle intramuscular retroperitoneal retroperitoneum mesenteric mesentery gallbladder biliary tongue larynx laryngeal pharynx pharyngeal marrow areola axillary axilla arm forearm hand finger leg thigh buttock gluteal groin extremity shoulder testicular testis scrotum scrotal vocal cord oral tonsil tonsillar nasal nasopharynx nasopharyngeal intracranial cerebral cerebellar pituitary eyelid face facial palm foot toe ankle knee elbow wrist',
);
const swollen = wordSet(
  'pedal ankle leg le ue ble bue rle lle rue lue dependent peripheral facial cerebral brain vasogenic scalp subcutaneous skin laryngeal pharyngeal glottic uvular bowel gallbladder periorbital orbital scrotal hand arm extremity limb foot feet genital breast tissue marrow neck mesenteric papillary wall lip tongue eyelid face',
);
const groins = wordSet(
  'umbilical inguinal ventral incisional femoral abdominal epigastric spigelian parastomal lumbar disc disk brain uncal tonsillar cerebral subfalcine inguinoscrotal periumbilical groin nucleus pulposus abdomen muscle',
);
const airInTissue = wordSet(
  'subcutaneous subq subcu sq surgical soft tissue mediastinal orbital neck axilla axillary wall cervical skin intramuscular flank scalp subcutaneously',
);
const fibrous = wordSet(
  'hepatic liver renal kidney myocardial endomyocardial cardiac retroperitoneal penile marrow cystic muscle joint breast pancreatic capsular uterine',
);
const fatty = wordSet(
  'fatty fat hepatic liver marrow bone skin muscle breast renal kidney pancreatic anesthetic local',
);
const healing = wordSet(
  'fracture callus clavicle clavicular rib humerus humeral scapular bone bony osseous vertebral maxillary sinus mastoid',
);

/** For each disease, the words that put it outside of the chest if they come directly before it, or after "in the …". */
const elsewhereOf = new Map<string, ReadonlySet<string>>([
  ['Effusion', joints],
  ['Pleural Effusion', joints],
  ['Nodule', organs],
  ['Mass', organs],
  ['Lung Lesion', organs],
  ['Edema', swollen],
  ['Hernia', groins],
  ['Emphysema', airInTissue],
  ['Fibrosis', fibrous],
  ['Pleural Other', fibrous],
  ['Infiltration', fatty],
  ['Consolidation', healing],
]);

/** Words that put a finding into the chest, even if an organ outside of it is named too. */
const chest = wordSet(
  'lung pulmonary lobe lobar pleural pleura pericardial apex apical base basilar basal bibasilar hilum hilar perihilar lingula lingular retrocardiac costophrenic airspace hemithorax thorax thoracic chest cardiac heart mediastinum mediastinal diaphragm zone',
);
const places = new Set(['in', 'of', 'within', 'involving', 'at', 'from', 'inside', 'around']);
/** Only for edema and emphysema these words are followed by a place. A nodule "over the breast" may be in the lung behind it. */
const vaguePlaces = new Set(['along', 'over', 'about']);
const between = new Set([
  'and',
  'or',
  ',',
  ';',
  ':',
  '.',
  'but',
  'with',
  'without',
  'no',
  'not',
  'for',
  'on',
  'project',
  'projecting',
  'overlying',
  'superimposed',
  'adjacent',
  'near',
]);
const holds = wordSet('shows show contains contain demonstrates demonstrate has have reveals reveal harbors');

interface Place {
  start: number;
  end: number;
}

/** The numbers of the clauses that are about another part of the body. */
export function otherClauses(words: readonly string[], clause: readonly number[]): ReadonlySet<number> {
  let found = noClauses;
  for (let at = 0; at < words.length; at++) {
    if (otherExaminations.has(words[at]!)) found = new Set([...found, clause[at]!]);
  }
  return found;
}
const noClauses: ReadonlySet<number> = new Set();

/** Whether a mention is of another part of the body. */
export function liesElsewhere(words: readonly string[], mention: Place, concept: string): boolean {
  const organ = elsewhereOf.get(concept);
  if (!organ) return false;
  const soft = organ === swollen || organ === airInTissue;
  return (
    // "nodular thyroid"
    (/(?:ar|ous|ic)$/.test(words[mention.end - 1]!) && organ.has(words[mention.end] ?? '')) ||
    standsBefore(words, mention.start, organ) ||
    standsBehind(words, mention.end, organ, soft) ||
    isHeldBy(words, mention.start, organ)
  );
}

/** "left thyroid nodule", "shoulder joint effusion": the organ is one of the three words before, and none of the words between separates them. */
function standsBefore(words: readonly string[], start: number, organ: ReadonlySet<string>): boolean {
  for (let at = start - 1; at >= Math.max(0, start - 3); at--) {
    const word = words[at]!;
    if (organ.has(word)) return true;
    if (between.has(word) || chest.has(word) || places.has(word) || holds.has(word)) return false;
  }
  return false;
}

/** "nodule in the left lobe of the thyroid", but not "herniation of abdominal contents into the chest". */
function standsBehind(words: readonly string[], end: number, organ: ReadonlySet<string>, soft: boolean): boolean {
  let placed = false;
  let found = false;
  for (let at = end; at < Math.min(words.length, end + 8); at++) {
    const word = words[at]!;
    if (between.has(word)) return found;
    if (placed && organ.has(word)) found = true;
    // After "in the left lobe of" the organ may still follow ("the liver"); after "in the left lung" it does not.
    else if (
      chest.has(word) &&
      !(word === 'lobe' && words[at + 1] === 'of') &&
      !(word === 'chest' && words[at + 1] === 'wall')
    )
      return false;
    if (places.has(word) || (soft && vaguePlaces.has(word))) placed = true;
    else if (!placed && at >= end + 2) return false;
  }
  return found;
}

/** "The thyroid contains a nodule", "In the right breast there is a mass". */
function isHeldBy(words: readonly string[], start: number, organ: ReadonlySet<string>): boolean {
  for (let at = start - 1; at >= Math.max(0, start - 5); at--) {
    const word = words[at]!;
    if (!holds.has(word) && word !== 'there') {
      if (chest.has(word) || (between.has(word) && word !== ',') || organ.has(word)) return false;
      continue;
    }
    const before = words[at - 1] === ',' ? at - 2 : at - 1;
    if (!organ.has(words[before] ?? '')) return false;
    return word !== 'there' || words.slice(Math.max(0, before - 3), before).some((one) => places.has(one));
  }
  return false;
}
