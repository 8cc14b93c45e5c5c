/**
 * Sentences in our own words that are easily misread, by kind, with what they say about each disease: + stated,
 * - negated, ? uncertain; "none" if they say nothing about any. `⏎` stands for a line break.
 */
export const reportKinds = `
# effusions that are not pleural, and those that are
Left shoulder joint effusion. Lungs clear. → none
Small effusion in the right glenohumeral joint. → none
The right shoulder shows a moderate effusion; no pneumothorax. → Pneumothorax -
Acromioclavicular effusion and arthropathy. → none
Right hip effusion with osteoarthritis. → none
There is an effusion of the left sternoclavicular joint. → none
Subdural effusion on the accompanying head CT. → none
Elbow joint effusion on the second film. → none
Small pericardial effusion. → Effusion +
No pericardial effusion. → Effusion -
Small joint effusion at the left shoulder and a right pleural effusion. → Effusion +
No joint or pleural effusion. → Effusion -
Subcutaneous fluid collection over the sternum. → none
Left effusion and severe shoulder arthropathy. → Effusion +
Pleural effusion layering at the apex, shoulder prosthesis in place. → Effusion +
Middle ear effusion is known from MRI. → none
# findings of other organs, and of the chest beside them
Trachea displaced by a thyroid nodule. Lungs clear. → none
The trachea is deviated by a large nodule of the thyroid. → none
Known nodule in the left lobe of the thyroid. → none
The thyroid contains a calcified nodule. → none
In the right breast there is a mass. → none
Left breast mass with surgical clips. → none
Hepatic mass seen on CT, no lung nodule. → Nodule -
Liver mass and a right lower lobe nodule. → Nodule +
Adrenal nodule on the prior CT. → none
Mass in the left kidney. → none
No thyroid mass. Lung mass in the right apex. → Mass +
Skin nodules over the chest. → none
Nodule in the left lower lobe. → Nodule +
Nodule projecting over the left breast. → Nodule +
Breast cancer with multiple lung nodules. → Nodule +
Body mass index of 41. → none
Low muscle mass. → none
Edema of the left arm. No pulmonary edema. → Edema -
Chest wall edema. → none
Lower extremity edema; heart failure with pulmonary edema. → Edema +
Surgical emphysema over the right flank. → none
Emphysema along the chest wall and in the neck. → none
Emphysema in the soft tissues of the neck, small apical pneumothorax. → Pneumothorax +
Emphysema in the upper lobes. → Emphysema +
Umbilical hernia. → none
Right inguinal hernia. Hiatal hernia. → Hernia +
Disc herniation at L5. → none
Herniation of abdominal contents into the chest. → Hernia +
Hepatic fibrosis. → none
Fatty infiltration of the liver. → none
Fracture consolidation is progressing. → none
Nodule within the thyroid gland, and a second nodule in the right lung. → Nodule +
# operated and treated
Status post left lobectomy for a mass. → none
S/p right upper lobectomy for a nodule. → none
Prior wedge resection for a nodule. → none
Status post resection of a left mass. → Mass -
Postoperative changes of resection for lung nodule. → Nodule -
Surgical clips from a repaired umbilical hernia. Lungs clear. → none
Surgical clips from hiatal hernia repair. → none
Repaired hiatal hernia. → Hernia -
The hiatal hernia has been repaired. → Hernia -
Hernia mesh projects over the abdomen. → none
Clips from inguinal herniorrhaphy. → none
The mass has been resected. → Mass -
The nodule was excised last year. → Nodule -
Resected right apical mass. → Mass -
Treated for pneumonia in May. → none
The patient had pneumonia in March. → none
Status post pneumothorax. → none
Post pneumonectomy. No effusion in the remaining lung. → Effusion -
Recurrent mass after lobectomy. → Mass +
Status post lobectomy for a mass, with a new nodule on the left. → Nodule +
Pleurodesis for pneumothorax two years ago. → none
Hx of pneumonia. → none
Recurrent hiatal hernia after repair. → Hernia +
Chest tube in place for effusion. → Effusion +
# over
The effusion seen in March is gone. → Effusion -
The effusion has gone. → Effusion -
Effusion has not recurred. → Effusion -
The pneumothorax has not reaccumulated. → Pneumothorax -
Left effusion has not returned after drainage. → Effusion -
Pneumothorax is no more. → Pneumothorax -
The infiltrate has vanished. → Infiltration -
The edema has subsided. → Edema -
The previously seen consolidation has disappeared completely. → Consolidation -
Atelectasis at the right base is now completely gone. → Atelectasis -
The nodule is not reproduced on today's film. → Nodule -
No recurrence of the pneumothorax. → Pneumothorax -
Effusion drained without recurrence. → Effusion -
Pneumothorax no longer exists. → Pneumothorax -
Complete disappearance of the infiltrate. → Infiltration -
Pneumothorax on the right, since resolved. → Pneumothorax -
The pneumonia of last month has completely cleared. → Pneumonia -
Pneumothorax was ruled out. → Pneumothorax -
The effusion has recurred. → Effusion +
The pneumothorax has reappeared. → Pneumothorax +
# half over
The effusion is almost gone. → Effusion +
The infiltrate has only partially cleared. → Infiltration +
The pneumonia has not yet cleared. → Pneumonia +
The pneumothorax has not completely resolved. → Pneumothorax +
The consolidation has cleared in part. → Consolidation +
The consolidation has cleared to some extent. → Consolidation +
Near complete resolution of the effusion. → Effusion +
Incomplete clearing of the left basilar infiltrate. → Infiltration +
Edema is clearing. → Edema +
The effusion has yet to resolve. → Effusion +
The pneumonia has failed to resolve. → Pneumonia +
Failure of the pneumothorax to resolve. → Pneumothorax +
The edema is slow to resolve. → Edema +
Largely resolved atelectasis. → Atelectasis +
The effusion has resolved except for a small residual. → Effusion +
Slight clearing of the edema. → Edema +
The effusion did not resolve. → Effusion +
The infiltrate never cleared. → Infiltration +
# twice negated
The lungs are not free of infiltrates. → Infiltration +
The left base is not without atelectasis. → Atelectasis +
The effusion is not gone. → Effusion +
The effusion has not disappeared. → Effusion +
There is no resolution of the pneumothorax. → Pneumothorax +
No evidence that the effusion has resolved. → Effusion +
It is not true that there is no effusion. → Effusion +
There is no absence of edema. → Edema +
Effusion is not absent. → Effusion +
The lungs are no longer clear of infiltrate. → Infiltration +
Nothing but atelectasis at the bases. → Atelectasis +
No more than a trace effusion. → Effusion +
The effusion is not insignificant. → Effusion +
Not a small effusion. → Effusion +
Without question there is a pneumothorax. → Pneumothorax +
# the same as before
The previously noted right effusion is not appreciably different. → Effusion +
Previously seen nodule has not changed. → Nodule +
The effusion is no different from last week. → Effusion +
The effusion is unaltered. → Effusion +
The pneumothorax is the same as before. → Pneumothorax +
Without significant change in large effusion. → Effusion +
No change in the effusion. → Effusion +
No interval change in the previously described mass. → Mass +
No appreciable difference in the left basilar consolidation. → Consolidation +
Effusion is not any larger. → Effusion +
The nodule has not grown. → Nodule +
No growth of the nodule. → Nodule +
The pneumothorax is no smaller. → Pneumothorax +
Effusion is not as large as before. → Effusion +
No worsening of the edema. → Edema +
The pneumonia is neither better nor worse. → Pneumonia +
No new effusion. → Effusion -
No new or enlarging nodule. → Nodule -
Not only effusion but pneumothorax as well. → Effusion +,Pneumothorax +
Not just atelectasis but consolidation. → Atelectasis +,Consolidation +
No further increase in the effusion. → Effusion +
# what looks like it and is none
Bilateral nodules are nipple shadows. → Nodule -
The nodule at the right base represents a nipple shadow. → Nodule -
Nodule in the left base is due to overlapping vessels. → Nodule -
The apparent nodule corresponds to a rib end. → Nodule -
The apparent pneumothorax is a skin fold. → Pneumothorax -
Apparent cardiomegaly is due to AP projection. → Cardiomegaly -
The nodule is thought to be a vessel on end. → Nodule -
Nodule at the left base consistent with nipple. → Nodule -
The mass is an artifact from clothing. → Mass -
Nodule at the right base, likely a nipple shadow. → Nodule -
The nodule is a bone island. → Nodule -
The nodule is not a nipple shadow. → Nodule +
Nodule at the right base may represent a nipple shadow. → Nodule ?
Nodule versus nipple shadow at the left base. → Nodule ?
Superimposed pneumonia. → Pneumonia +
Mass rather than superimposed vessels. → Mass +
# answers behind
Pneumothorax none. → Pneumothorax -
Pleural effusion - no. → Effusion -
Effusion – none → Effusion -
Effusion—none. → Effusion -
Effusion: nil. → Effusion -
Effusion: none seen. → Effusion -
Pneumothorax: not seen. → Pneumothorax -
Pneumothorax: No, Effusion: Yes → Pneumothorax -,Effusion +
Pneumothorax absent. Effusion present. → Pneumothorax -,Effusion +
Pneumothorax: negative. → Pneumothorax -
Pneumothorax (-), effusion (+). → Pneumothorax -,Effusion +
Effusion -ve. → Effusion -
Consolidation = no; effusion = small → Consolidation -,Effusion +
Pneumothorax, effusion: none. → Pneumothorax -,Effusion -
Effusion / pneumothorax - none seen. → Effusion -,Pneumothorax -
Pneumothorax: no evidence. → Pneumothorax -
Consolidation no. Nodule yes. → Consolidation -,Nodule +
Effusion not present, pneumothorax not identified. → Effusion -,Pneumothorax -
Pneumothorax | no → Pneumothorax -
Effusion: small. Pneumothorax: none. → Effusion +,Pneumothorax -
Effusion: possible. → Effusion ?
Pneumonia: cannot exclude. → Pneumonia ?
Pneumothorax -- none. → Pneumothorax -
# questions
?pneumonia → Pneumonia ?
?early pneumonia right base → Pneumonia ?
Left basal opacity ?atelectasis ?consolidation → Atelectasis ?,Consolidation ?
Opacity at the right base (?pneumonia). → Pneumonia ?
Right base: ? pneumonia → Pneumonia ?
Pneumonia? → Pneumonia ?
Small effusion (?) on the left. → Effusion ?
Query left apical pneumothorax. → Pneumothorax ?
Is there a small pneumothorax? → Pneumothorax ?
Effusion? No. → Effusion -
No effusion. ?nodule right apex → Effusion -,Nodule ?
The heart is enlarged? → Cardiomegaly ?
Effusion cannot be ruled in or out. → Effusion ?
Pneumothorax neither confirmed nor excluded. → Pneumothorax ?
Pneumonia was considered but the lungs are clear. → Pneumonia ?
Cannot exclude a nodule; no effusion. → Nodule ?,Effusion -
Emphysema likely; effusion unlikely. → Emphysema ?,Effusion ?
R/O pneumonia. → none
No focal consolidation secondary to known emphysema. → Consolidation -,Emphysema +
# other examinations and other readers
Comparison is made to a film of March 3 which showed a large effusion. Lungs clear. → none
Comparison is made with the previous film; the effusion has increased. → Effusion +
The prior CT showed a nodule. No nodule today. → Nodule -
Prior CT demonstrated a 1 cm nodule, which is again seen. → Nodule +
Compared with the prior film showing a pneumothorax, the lungs are clear. → none
The wet read of a small pneumothorax is not confirmed. → Pneumothorax -
Compared to the prior study, the effusion has increased. → Effusion +
# lists and lines
1.No pneumonia⏎2.Small left effusion⏎3.No edema → Pneumonia -,Effusion +,Edema -
1.No pneumonia 2.Small left effusion 3.No edema → Pneumonia -,Effusion +,Edema -
1) No effusion 2) Right pneumothorax 3) Stable heart size → Effusion -,Pneumothorax +
(1) No effusion (2) Right pneumothorax → Effusion -,Pneumothorax +
1. No effusion 2. Right pneumothorax → Effusion -,Pneumothorax +
1 . No effusion⏎2 . Nodule → Effusion -,Nodule +
No effusion⏎Left pneumothorax⏎No edema → Effusion -,Pneumothorax +,Edema -
no effusion⏎left pneumothorax⏎no edema → Effusion -,Pneumothorax +,Edema -
NO EFFUSION⏎LEFT PNEUMOTHORAX⏎NO EDEMA → Effusion -,Pneumothorax +,Edema -
THERE IS NO FOCAL CONSOLIDATION, PLEURAL EFFUSION OR⏎PNEUMOTHORAX. THE HEART IS ENLARGED. → Consolidation -,Effusion -,Pneumothorax -,Cardiomegaly +
There is no evidence of focal⏎consolidation, effusion, or⏎Pneumothorax. → Consolidation -,Effusion -,Pneumothorax -
- No effusion⏎- Right pneumothorax⏎- Mild edema → Effusion -,Pneumothorax +,Edema +
• No effusion • Right pneumothorax • Mild edema → Effusion -,Pneumothorax +,Edema +
* No effusion⏎* Right pneumothorax → Effusion -,Pneumothorax +
-No effusion⏎-Right pneumothorax → Effusion -,Pneumothorax +
- No effusion - Right pneumothorax → Effusion -,Pneumothorax +
a) No effusion⏎b) Right pneumothorax → Effusion -,Pneumothorax +
Lungs: no consolidation⏎Pleura: small right effusion⏎Heart: enlarged → Consolidation -,Effusion +,Cardiomegaly +
Lungs: no consolidation Pleura: small right effusion Heart: enlarged → Consolidation -,Effusion +,Cardiomegaly +
LUNGS: NO CONSOLIDATION⏎PLEURA: SMALL RIGHT EFFUSION⏎HEART: ENLARGED → Consolidation -,Effusion +,Cardiomegaly +
LUNGS - No consolidation⏎PLEURA - Small effusion⏎HEART - Enlarged → Consolidation -,Effusion +,Cardiomegaly +
Lungs:⏎No consolidation⏎Pleura:⏎Small effusion → Consolidation -,Effusion +
Lungs and airways: No nodule Pleural spaces: Small effusion → Nodule -,Effusion +
Nodule of 1.5 cm in rib space 2. No effusion. → Nodule +,Effusion -
# forms
[x] Effusion  [ ] Pneumothorax → Effusion +,Pneumothorax -
(X) Effusion  ( ) Pneumothorax → Effusion +,Pneumothorax -
☑ Effusion ☐ Pneumothorax ☒ Edema → Effusion +,Pneumothorax -,Edema +
[ ] Effusion⏎[X] Pneumothorax⏎[ ] Cardiomegaly → Effusion -,Pneumothorax +,Cardiomegaly -
Effusion [x]  Pneumothorax [ ] → Effusion +,Pneumothorax -
Pneumothorax [ ] yes [x] no → Pneumothorax -
Pneumothorax: [x] Yes [ ] No⏎Effusion: [ ] Yes [x] No → Pneumothorax +,Effusion -
Effusion: [ ] none [x] small [ ] large → Effusion +
Effusion: [x] none [ ] small [ ] large → Effusion -
Effusion:⏎[ ] none⏎[x] moderate → Effusion +
Heart: [x] enlarged [ ] normal → Cardiomegaly +
Heart: [ ] enlarged [x] normal → Cardiomegaly -
Pneumothorax [ ] yes [ ] no → none
1. [x] Effusion 2. [ ] Edema → Effusion +,Edema -
Effusion ✓ Pneumothorax ✗ → Effusion +,Pneumothorax -
Finding | Yes | No⏎Effusion | X |⏎Pneumothorax | | X → Effusion +,Pneumothorax -
| Effusion | yes |⏎| Pneumothorax | no | → Effusion +,Pneumothorax -
Effusion   yes⏎Pneumothorax   no → Effusion +,Pneumothorax -
# all kinds once more
Right knee effusion noted on accompanying films. No pleural effusion. → Effusion -
Bilateral hip joint effusions. → none
Effusion in the suprapatellar bursa. → none
A small amount of fluid in the left shoulder joint. → none
Pericardial effusion is suspected; pleural spaces are clear. → Effusion ?
Large pericardial effusion with enlarged heart. → Effusion +,Cardiomegaly +
Not without effusion. → Effusion +
The absence of pneumothorax cannot be confirmed. → Pneumothorax ?
Pneumothorax is not excluded. → Pneumothorax ?
Pneumonia is not unlikely. → Pneumonia ?
There is no evidence to suggest that the pneumothorax has resolved. → Pneumothorax +
Resolution of pneumonia is not yet complete. → Pneumonia +
The pneumonia is resolving but has not resolved. → Pneumonia +
The effusion has nearly resolved. → Effusion +
Effusion has almost completely disappeared. → Effusion +
Residual effusion after drainage. → Effusion +
Mostly resolved pneumothorax with tiny residual at apex. → Pneumothorax +
Interval near-resolution of edema. → Edema +
The effusion that was seen on 3/4 is gone. → Effusion -
Pneumothorax seen yesterday is gone today. → Pneumothorax -
Previously seen pneumothorax is not seen anymore. → Pneumothorax -
The nodule seen last year is no longer there. → Nodule -
The right effusion has been completely drained. → Effusion -
No more effusion. → Effusion -
No pneumothorax anymore. → Pneumothorax -
Previous pneumonia has cleared up. → Pneumonia -
Pneumonia has healed. → Pneumonia -
Status post right pneumonectomy for cancer, no effusion. → Effusion -
Post right upper lobectomy for lung mass. → none
After resection of a lung nodule, no pneumothorax. → Pneumothorax -,Nodule -
The patient underwent lobectomy for a right lung mass. → none
History of lobectomy for a nodule. → none
Sternotomy wires from repair of a diaphragmatic hernia. → Hernia -
Prior hiatal hernia repair. → none
Status post hiatal hernia repair with recurrence of the hernia. → Hernia +
Postsurgical clips from ventral hernia repair. → none
Two nodular opacities at the bases are nipple shadows. → Nodule -
The nodular densities are the patient's nipples. → Nodule -
The nodule turned out to be a nipple. → Nodule -
Bilateral nodules, which are nipple shadows. → Nodule -
Nodules are most likely nipple shadows. → Nodule -
Nodule at right base: nipple shadow. → Nodule -
Nodules (nipple shadows) at both bases. → Nodule -
Nipple shadows mimic nodules. → none
The nipple shadows simulate nodules at the bases. → none
Nodule is a calcified costal cartilage. → Nodule -
The mass is the azygos vein. → Mass -
Mass in the thyroid displaces the trachea. → none
Goiter with a nodule displaces the trachea. → Nodule +
Thyroid nodules. → none
Nodular thyroid. → none
Multiple thyroid and lung nodules. → Nodule +
Effusion: absent. → Effusion -
Effusion absent → Effusion -
Effusions none, pneumothorax none. → Effusion -,Pneumothorax -
Pneumothorax - absent; effusion - present. → Pneumothorax -,Effusion +
Pneumothorax - not seen. → Pneumothorax -
Consolidation - nil. Effusion - small left. → Consolidation -,Effusion +
Pneumothorax: None identified. → Pneumothorax -
Pleural effusion: No significant. → Effusion -
Pneumothorax - negative → Pneumothorax -
No: effusion, pneumothorax. → Effusion -,Pneumothorax -
Pneumothorax: no. Effusion: no. Cardiomegaly: yes. → Pneumothorax -,Effusion -,Cardiomegaly +
? small left effusion → Effusion ?
?? pneumonia → Pneumonia ?
?Pneumothorax. → Pneumothorax ?
Pneumonia ? → Pneumonia ?
Left effusion??? → Effusion ?
Nodule vs. vessel? → Nodule ?
Pneumonia/atelectasis? → Pneumonia ?,Atelectasis ?
Possible?? nodule → Nodule ?
Effusion not appreciably changed. → Effusion +
Effusion, not substantially different. → Effusion +
The mass is essentially the same. → Mass +
Effusion essentially unchanged. → Effusion +
Previously noted effusion is about the same. → Effusion +
The previously described pneumothorax is similar. → Pneumothorax +
There is little change in the effusion. → Effusion +
There has been no significant interval change in large right effusion. → Effusion +
Unchanged appearance without new effusion. → Effusion -
No new consolidation. Stable effusion. → Consolidation -,Effusion +
Without new pneumothorax. → Pneumothorax -
Cannot exclude pneumothorax. → Pneumothorax ?
Small pneumothorax cannot be excluded. → Pneumothorax ?
Not only is there effusion but also consolidation. → Effusion +,Consolidation +
No increase in effusion. → Effusion +
Effusion no longer increasing. → Effusion +
The heart is no longer enlarged. → Cardiomegaly -
There is no pneumothorax or effusion on the right, and a small effusion on the left. → Pneumothorax -,Effusion +
Pneumothorax has not increased. → Pneumothorax +
No significant pneumothorax. → Pneumothorax -
The patient is status post talc pleurodesis. → none
No residual or recurrent pneumothorax. → Pneumothorax -
No residual effusion. → Effusion -
Trace residual effusion. → Effusion +
Old pneumonia scars. → Pneumonia +
Subsegmental atelectasis has resolved, effusion persists. → Atelectasis -,Effusion +
Resolved effusion, persistent atelectasis. → Effusion -,Atelectasis +
Interval resolution of edema with persistent effusions. → Edema -,Effusion +
Chest tube removed without recurrent pneumothorax. → Pneumothorax -
Hernia: none. → Hernia -
Neck: thyroid nodule. Lungs: clear. → none
Abdomen: renal mass. → none
Lungs: Clear without nodules⏎Bones: Lytic mass in the humerus → Nodule -
Lungs are clear⏎Heart size normal⏎Small right effusion⏎No pneumothorax → Cardiomegaly -,Effusion +,Pneumothorax -
Heart size normal⏎Lungs clear⏎No pleural effusion⏎Degenerative changes⏎Left nodule → Cardiomegaly -,Effusion -,Nodule +
The cardiac silhouette is mildly enlarged. There is no focal⏎airspace consolidation. No large⏎pleural effusion. → Cardiomegaly ?,Consolidation -,Effusion -
1. Cardiomegaly⏎   without edema.⏎2. No effusion or⏎   pneumothorax. → Cardiomegaly +,Edema -,Effusion -,Pneumothorax -
1) Cardiomegaly, 2) no effusion, 3) small pneumothorax → Cardiomegaly +,Effusion -,Pneumothorax +
#1 No effusion⏎#2 Nodule | Effusion -,Nodule +
i. No effusion⏎ii. Nodule → Effusion -,Nodule +
No effusion; small pneumothorax; no edema → Effusion -,Pneumothorax +,Edema -
[X] Cardiomegaly⏎[ ] Edema⏎[ ] Effusion → Cardiomegaly +,Edema -,Effusion -
[x] No effusion⏎[ ] Effusion → Effusion -
[ ] No effusion [x] Effusion → Effusion +
( x ) Nodule (  ) Mass → Nodule +,Mass -
Pneumothorax: ☐ Yes ☑ No → Pneumothorax -
Pneumothorax  Yes [ ]  No [x] → Pneumothorax -
Pneumothorax  Yes [x]  No [ ] → Pneumothorax +
Pneumothorax: Yes ( ) No (X); Effusion: Yes (X) No ( ) → Pneumothorax -,Effusion +
Pneumothorax: yes / no: no → Pneumothorax -
Effusion: Y⏎Pneumothorax: N → Effusion +,Pneumothorax -
Effusion.......no → Effusion -
Effusion: 0 → Effusion -
Pneumothorax: ---- → none
Nodule is seen below the nipple shadow. → Nodule +
Pneumothorax secondary to pacemaker lead placement. → Pneumothorax +
Nodule in the region of the rib end. → Nodule +
The mass is compressing the vein. → Mass +
Mass with an artifact from the monitor. → Mass +
No pneumothorax and a small effusion. → Pneumothorax -,Effusion +
Atelectasis due to poor inspiration. → Atelectasis +
Effusion related to recent surgery for a mass. → Effusion +
Small effusion, likely due to heart failure. → Effusion +
Pneumothorax due to removed chest tube. → Pneumothorax +
Cardiomegaly is accentuated by AP technique. → Cardiomegaly +
Effusion is better seen on the prior. → Effusion +
The nodule was better seen on prior CT. → Nodule +
No change in nodule compared to prior study which showed stable effusion. → Nodule +,Effusion +
Pneumonia is gone but effusion has not gone. → Pneumonia -,Effusion +
# Answers behind a finding, and lists of them.
Effusion? No⏎Pneumothorax? Yes → Effusion -,Pneumothorax +
Effusion      No⏎Pneumothorax  Yes⏎Edema         No → Effusion -,Pneumothorax +,Edema -
EFFUSION NO⏎PNEUMOTHORAX YES → Effusion -,Pneumothorax +
The lungs are clear. There is no⏎pleural effusion. → Effusion -
Effusion? [N]⏎Pneumothorax? [Y] → Effusion -,Pneumothorax +
Effusion Y⏎Pneumothorax N → Effusion +,Pneumothorax -
Effusion +⏎Pneumothorax -⏎Edema + → Effusion +,Pneumothorax -,Edema +
Effusion (+), pneumothorax (-). → Effusion +,Pneumothorax -
Effusion 0, pneumothorax 0. → Effusion -,Pneumothorax -
Pneumothorax (no). → Pneumothorax -
Pneumothorax: (none) → Pneumothorax -
Pneumothorax: [none] → Pneumothorax -
Effusion .......... none⏎Pneumothorax ....... small left → Effusion -,Pneumothorax +
Effusion: N/A → none
Effusion: not evaluated. → none
Effusion: unable to assess. → none
No effusion // right pneumothorax // no edema → Effusion -,Pneumothorax +,Edema -
• no effusion • right pneumothorax • no edema → Effusion -,Pneumothorax +,Edema -
No infiltrate, no effusion, cardiomegaly present. → Infiltration -,Effusion -,Cardiomegaly +
w/o effusion → Effusion -
Neg effusion. → Effusion -
Ø effusion. → Effusion -
The lungs show no consolidation except at the left base. → Consolidation +
No effusion other than a trace on the left. → Effusion +
No pneumothorax aside from the small apical one. → Pneumothorax +
No effusion except for atelectasis. → Effusion -,Atelectasis +
# Doubt.
(?) small left effusion. → Effusion ?
Concern for pneumonia. → Pneumonia ?
Right base opacity. Concern for pneumonia. → Pneumonia ?
Pneumothorax or skin fold. → Pneumothorax ?
Either a skin fold or a pneumothorax. → Pneumothorax ?
Tension pneumothorax is feared. → Pneumothorax ?
# Gone, or never there.
Effusion has not come back. → Effusion -
The right effusion has been completely evacuated. → Effusion -
Nodule removed in 2010. → Nodule -
There used to be an effusion. → none
Nodule at the left base corresponds to a healed rib fracture. → Nodule -
Pneumothorax is likely due to a healing rib fracture. → Pneumothorax +
Skin fold mimicking a pneumothorax. → none
Left ventricular mass is increased. → none
65 yo F with pneumonia. Lungs are clear. → none
65-year-old man with known emphysema presents with cough.⏎Lungs clear. → none
Heart size: Increased. → Cardiomegaly +
Increased cardiothoracic ratio. → Cardiomegaly +
WET READ: Right pneumothorax.⏎FINAL: No pneumothorax. → Pneumothorax -
`;
