/**
 * More sentences and short reports in our own words, by the kind of trap that they hold; written as in
 * `report_kinds.ts`. The right labels were set down before the miner was run on them.
 */
export const reportTraps = `
# a finding and its value on each line
Effusion,No⏎Pneumothorax,Yes → Effusion -,Pneumothorax +
Effusion, no⏎Pneumothorax, yes⏎Edema, no → Effusion -,Pneumothorax +,Edema -
Pleural effusion,Absent⏎Nodule,Present → Effusion -,Nodule +
Effusion;No⏎Pneumothorax;Yes → Effusion -,Pneumothorax +
Effusion,0⏎Pneumothorax,1 → Effusion -,Pneumothorax +
Effusion=False⏎Pneumothorax=True → Effusion -,Pneumothorax +
effusion: false⏎pneumothorax: true → Effusion -,Pneumothorax +
Effusion,No,Pneumothorax,Yes → Effusion -,Pneumothorax +
Effusion,No;Pneumothorax,Yes → Effusion -,Pneumothorax +
Effusion => no⏎Pneumothorax => yes → Effusion -,Pneumothorax +
Cardiomegaly,yes,mild⏎Effusion,no → Cardiomegaly +,Effusion -
Finding,Result⏎Effusion,No⏎Nodule,Yes → Effusion -,Nodule +
EFFUSION,NO⏎PNEUMOTHORAX,YES → Effusion -,Pneumothorax +
"effusion","no"⏎"pneumothorax","yes" → Effusion -,Pneumothorax +
Pneumothorax, none⏎Effusion, small left → Pneumothorax -,Effusion +
Consolidation No Effusion Yes → Consolidation -,Effusion +
No effusion, yes there is a pneumothorax. → Effusion -,Pneumothorax +
Effusion, no pneumothorax. → Effusion +,Pneumothorax -
Atelectasis, no effusion, no pneumothorax. → Atelectasis +,Effusion -,Pneumothorax -
# findings in a row without punctuation
no effusion no pneumothorax left atelectasis → Effusion -,Pneumothorax -,Atelectasis +
Pneumothorax none Effusion small Edema none → Pneumothorax -,Effusion +,Edema -
pneumothorax none effusion small edema none → Pneumothorax -,Effusion +,Edema -
PNEUMOTHORAX NONE EFFUSION SMALL EDEMA NONE → Pneumothorax -,Effusion +,Edema -
Pneumothorax no Effusion yes Edema no → Pneumothorax -,Effusion +,Edema -
no infiltrate no effusion mild cardiomegaly → Infiltration -,Effusion -,Cardiomegaly +
heart enlarged no effusion no pneumothorax → Cardiomegaly +,Effusion -,Pneumothorax -
no pneumothorax small right effusion no edema → Pneumothorax -,Effusion +,Edema -
left effusion no pneumothorax right lower lobe atelectasis → Effusion +,Pneumothorax -,Atelectasis +
no pneumothorax right upper lobe nodule unchanged → Pneumothorax -,Nodule +
no pneumonia no effusion bibasilar atelectasis stable cardiomegaly → Pneumonia -,Effusion -,Atelectasis +,Cardiomegaly +
Pneumothorax absent Pleural effusion present left Consolidation absent → Pneumothorax -,Effusion +,Consolidation -
Effusion none Pneumothorax none Nodule right apex → Effusion -,Pneumothorax -,Nodule +
no focal consolidation pleural effusion or pneumothorax → Consolidation -,Effusion -,Pneumothorax -
no focal consolidation large pleural effusion or pneumothorax is seen → Consolidation -,Effusion -,Pneumothorax -
no effusion on the left or right → Effusion -
no effusion right lung clear → Effusion -
lungs clear no infiltrate heart normal no effusion old left rib fractures → Cardiomegaly -,Infiltration -,Effusion -
# lists on one line
a) No effusion b) Right pneumothorax c) No edema → Effusion -,Pneumothorax +,Edema -
A) No effusion B) Right pneumothorax → Effusion -,Pneumothorax +
(a) no effusion (b) right pneumothorax → Effusion -,Pneumothorax +
a. No effusion b. Right pneumothorax → Effusion -,Pneumothorax +
1] No effusion 2] Right pneumothorax 3] Cardiomegaly → Effusion -,Pneumothorax +,Cardiomegaly +
[1] No effusion [2] Right pneumothorax → Effusion -,Pneumothorax +
1: no effusion 2: right pneumothorax → Effusion -,Pneumothorax +
1 - No effusion 2 - Right pneumothorax → Effusion -,Pneumothorax +
#1 No effusion #2 Right pneumothorax → Effusion -,Pneumothorax +
i) No effusion ii) Right pneumothorax iii) No edema → Effusion -,Pneumothorax +,Edema -
No effusion | Right pneumothorax | No edema → Effusion -,Pneumothorax +,Edema -
No effusion | right pneumothorax → Effusion -,Pneumothorax +
Effusion | none | Pneumothorax | small right → Effusion -,Pneumothorax +
No effusion / no edema / small right pneumothorax → Effusion -,Edema -,Pneumothorax +
No effusion * Right pneumothorax * No edema → Effusion -,Pneumothorax +,Edema -
No effusion – Right pneumothorax – No edema → Effusion -,Pneumothorax +,Edema -
1] No effusion⏎2] Right pneumothorax → Effusion -,Pneumothorax +
First, no effusion. Second, a right pneumothorax. → Effusion -,Pneumothorax +
# blanks and references
Mass: ___ → none
Mass: see CT → none
Mass: See CT of the chest from the same day. → none
Nodule: ____⏎Effusion: small → Effusion +
Effusion:⏎Pneumothorax: none → Pneumothorax -
Pneumothorax ___ Effusion ___ → none
Pneumothorax: ---- → none
Effusion: *** → none
Nodule: XXXX. → none
Effusion: refer to ultrasound → none
Pneumonia: pending → none
Nodule: as above. → none
Mass: see below → none
Effusion: unknown → none
Pneumothorax: not applicable → none
Effusion: … → none
Effusion: {size} → none
Nodule: TBD⏎Mass: TBD → none
Mass: 3 cm in the left upper lobe, see CT. → Mass +
Small left effusion, see CT report. → Effusion +
Compared to ___, the effusion has increased. → Effusion +
Pneumonia in the ___ lobe. → Pneumonia +
# questions and answers
QUESTION: pneumonia? ANSWER: No → Pneumonia -
QUESTION: pneumonia?⏎ANSWER: No → Pneumonia -
Question: Is there a pneumothorax? Answer: No. → Pneumothorax -
Q: effusion? A: yes, small on the left. → Effusion +
Clinical question: rule out pneumonia. Answer: No pneumonia. → Pneumonia -
QUESTION: pneumothorax?⏎ANSWER: Yes → Pneumothorax +
Question: pneumonia? → none
Is there an effusion? No. → Effusion -
Any pneumothorax? None. → Pneumothorax -
Is there a nodule? Yes, in the right apex. → Nodule +
Q: pneumonia or edema? A: neither. → Pneumonia -,Edema -
QUESTION: effusion? ANSWER: possible → Effusion ?
# other words for a finding
Left basilar collapse. → Atelectasis +
Right basal collapse with a small effusion. → Atelectasis +,Effusion +
Collapse of the left base. → Atelectasis +
Collapse/consolidation at the right base. → Atelectasis +,Consolidation +
No collapse or consolidation. → Atelectasis -,Consolidation -
RLL collapse. → Atelectasis +
The left lower lobe is collapsed. → Atelectasis +
Partial collapse of the T12 vertebral body. → none
Wedge collapse of T8. → none
Bibasilar atx. → Atelectasis +
No ptx. → Pneumothorax -
No pneumo. → Pneumothorax -
Small right apical pneumo. → Pneumothorax +
Pneumo-peritoneum. → none
R pneumo, no eff. → Pneumothorax +,Effusion -
No cons or eff. → Consolidation -,Effusion -
The pros and cons of biopsy were discussed. → none
LLL PNA with small effs. → Pneumonia +,Effusion +
RLL cons c/w pna. → Consolidation +,Pneumonia +
Pneumo vaccine given. → none
Bibasal atel. → Atelectasis +
No infilt, no consol. → Infiltration -,Consolidation -
Subq emphysema. → none
Big heart, no edema. → Cardiomegaly +,Edema -
Cardiothoracic ratio is 0.58. → Cardiomegaly +
CTR 0.62, lungs clear. → Cardiomegaly +
Cardiothoracic ratio of 55%. → Cardiomegaly +
Cardiothoracic ratio 0.45. → Cardiomegaly -
CT ratio: 0.48 → Cardiomegaly -
# names, codes, teaching, protocols
Electronically signed by Dr. Hernia → none
No effusion. Electronically signed by: Ann Mass, MD → Effusion -
Dictated by Dr. J. Mass on 3/4. → none
Findings were discussed with Dr. Hernia at 3 pm. → none
Lungs clear.⏎⏎Reviewed and approved by Dr. Nodule → none
Teaching point: pneumonia may mimic a mass. → none
Teaching points: A pneumothorax is easily missed on supine films. → none
No effusion.⏎Teaching point: pneumothorax hides at the base. → Effusion -
Diagnosis codes: J18.9 Pneumonia → none
ICD-10: J90 Pleural effusion → none
ICD-10 codes: J93.9 (pneumothorax), J90 (effusion)⏎Lungs clear. → none
Lungs clear.⏎J18.9 Pneumonia, unspecified organism → none
Billing: R91.1 solitary pulmonary nodule → none
Pneumonia protocol followed. → none
Lung nodule protocol CT was performed. → none
Pneumonia pathway activated in the ED. → none
Fleischner guidelines for pulmonary nodules were used. → none
Pneumothorax precautions were explained. → none
Radiologist: Dr. Pneumonia → none
# other readers
Outside film reported as pneumonia. → none
The outside film was reported as showing a pneumothorax; lungs are clear today. → none
ER read this as pneumonia. → none
ER read this as pneumonia. I disagree; this is atelectasis. → Atelectasis +
The ED called a pneumothorax, which I do not see. → Pneumothorax -
The resident thought there was an effusion. None is seen. → Effusion -
The emergency physician diagnosed pneumonia. The lungs are clear. → none
Per outside report, there is a left effusion. → none
Read as pneumothorax by the ED; no pneumothorax is seen. → Pneumothorax -
Teleradiology reported a small effusion, not confirmed. → Effusion -
The outside CT reportedly showed a nodule. → none
Pneumonia was reported by the outside hospital. → none
# past and gone
There was an effusion in March. → none
There was a pneumothorax on the film of 3/4. → none
There was a nodule two years ago. → none
There was an effusion last week; it has resolved. → Effusion -
There was a small effusion. → Effusion +
There was an effusion in March, which persists. → Effusion +
An effusion was seen in March. → none
The effusion was drained; none remains. → Effusion -
Effusion was drained. None remains. → Effusion -
Pneumonia was treated; clear now. → Pneumonia -
The pneumothorax was evacuated and none is left. → Pneumothorax -
Pneumonia last year, now clear. → Pneumonia -
Pneumonia in 2015. → none
Prior thoracentesis for an effusion. → none
Previous chest tube for pneumothorax. → none
Hiatal hernia status post fundoplication. → Hernia -
Hiatal hernia s/p Nissen fundoplication. → Hernia -
Hiatal hernia, status post repair. → Hernia -
Mass status post lobectomy. → Mass -
Pneumothorax status post chest tube placement. → Pneumothorax +
The infiltrate of last month is a thing of the past. → Infiltration -
Recently treated pneumonia. → none
# elsewhere, and not what it was taken for
Soft tissue mass of the left arm. → none
Mass in the right axilla. → none
Edema of the left hand. → none
Opacity thought to be a mass is a vascular loop. → Mass -
The density previously called a nodule is a nipple shadow. → Nodule -
The shadow taken for a pneumothorax is the scapular border. → Pneumothorax -
What was thought to be a nodule proved to be an osteophyte. → Nodule -
The opacity is thought to be a mass. → Mass +
Lesion thought to be a mass is unchanged. → Mass +
# said in other words
Effusion is lacking. → Effusion -
Pneumonia is not borne out. → Pneumonia -
Evidence of effusion is lacking. → Effusion -
The suspicion of pneumonia is not supported. → Pneumonia -
Pneumothorax is nowhere to be seen. → Pneumothorax -
The lungs lack consolidation. → Consolidation -
Pneumonia can be dismissed. → Pneumonia -
Effusion is nonexistent. → Effusion -
Pneumonia has been disproved. → Pneumonia -
One cannot say there is no effusion. → Effusion ?
It cannot be said that there is no pneumothorax. → Pneumothorax ?
I cannot be certain that there is no nodule. → Nodule ?
It is not clear that the pneumonia has resolved. → Pneumonia ?
There is no guarantee that there is no effusion. → Effusion ?
Hard to say there is no pneumothorax. → Pneumothorax ?
I am not convinced there is no mass. → Mass ?
# pronouns
No effusion on the right, but there is one on the left. → Effusion +
No pneumothorax on the right; there is one on the left. → Pneumothorax +
There is now no pneumothorax on the right, while on the left it has grown. → Pneumothorax +
No new consolidation; the old one in the right base is the same. → Consolidation +
No new nodules, but the old ones are unchanged. → Nodule +
The right effusion is gone but the one on the left persists. → Effusion +
The pneumothorax is small; it has not resolved. → Pneumothorax +
There is no pneumothorax; it has resolved. → Pneumothorax -
Bibasilar opacities, atelectasis or aspiration pneumonia. → Atelectasis ?,Pneumonia ?
Left basal opacity: atelectasis or infiltrate. → Atelectasis ?,Infiltration ?
Heart size is normal; however, there is edema. → Cardiomegaly -,Edema +
`;
