/** A third set of the kinds in `report_doubts.ts`, and sentences to which these rules could be applied wrongly. */
export const reportDoubtTraps = `
# asides a third time
Effusion, nonetheless, remains. → Effusion +
No effusion, however, pneumothorax is present. → Effusion -,Pneumothorax +
No pneumothorax, however, there is an effusion. → Pneumothorax -,Effusion +
There is, however, a small effusion. → Effusion +
There is, therefore, no pneumothorax. → Pneumothorax -
Pneumonia, by these findings, would be unlikely. → Pneumonia ?
Left effusion, more so than right, is noted. → Effusion +
The pneumothorax, first seen yesterday, has resolved. → Pneumothorax -
The nodule, which was described previously, is not seen. → Nodule -
Effusion, atelectasis, and consolidation cannot be excluded. → Effusion ?,Atelectasis ?,Consolidation ?
Effusion, once again, cannot be ruled out. → Effusion ?
Mild pneumonia, for that reason, cannot be completely excluded. → Pneumonia ?
Pneumothorax, I believe, is absent. → Pneumothorax -
A mass, unfortunately, cannot be ruled out. → Mass ?
The cardiomegaly, if anything, has increased. → Cardiomegaly +
No effusion, as expected, is seen. → Effusion -
Edema, meanwhile, has cleared. → Edema -
Effusion, in contrast, has grown. → Effusion +
Although effusion, strictly speaking, cannot be excluded, the lungs are clear. → Effusion ?
# likelihood a third time
Findings carry a high probability of pneumonia. → Pneumonia ?
Clinical suspicion of pneumonia is high. → Pneumonia ?
Pneumothorax: low probability. → Pneumothorax ?
Pneumonia, low likelihood. → Pneumonia ?
This most probably represents pneumonia. → Pneumonia ?
There is minimal suspicion for pneumothorax. → Pneumothorax ?
Pneumonia seems unlikely on this study. → Pneumonia ?
Less likely pneumonia. → Pneumonia -
Atelectasis is more likely than pneumonia. → Atelectasis ?,Pneumonia ?
The likelihood of malignancy in this nodule is low. → Nodule +
Nodule with a low likelihood of malignancy. → Nodule +
The mass has a high probability of malignancy. → Mass +
Not likely to be pneumonia. → Pneumonia -
Probability of pneumonia: low. → Pneumonia ?
Doubt pneumonia. → Pneumonia ?
It is improbable that there is an effusion. → Effusion ?
It is likely that there is an effusion. → Effusion ?
There is a high risk of pneumothorax. → none
# signs a third time
Pneumothorax - negative; effusion - positive. → Pneumothorax -,Effusion +
(-) for pneumonia → Pneumonia -
CXR: (-) → none
(+) L effusion, (-) R effusion → Effusion +
Lungs: (+) infiltrate RLL. Pleura: (-) effusion. → Infiltration +,Effusion -
Eff neg. Ptx neg. CM pos. → Effusion -,Pneumothorax -,Cardiomegaly +
neg effusion/ptx/pna → Effusion -,Pneumothorax -,Pneumonia -
No effusion. - No edema. → Effusion -,Edema -
Effusions: (-) bilaterally. Atelectasis: (+) left base. → Effusion -,Atelectasis +
Pneumothorax: neg bilat; effusion: pos on the left → Pneumothorax -,Effusion +
Edema: (−) → Edema -
Pleural effusion: negative on both sides → Effusion -
Consolidation: none on the left or right → Consolidation -
Consolidation: none on the left, small on the right → Consolidation +
Nodule: no, mass: no → Nodule -,Mass -
# hard to tell a third time
It is tough to say whether there is an effusion. → Effusion ?
One cannot be sure if there is a pneumothorax. → Pneumothorax ?
I cannot determine if there is an effusion. → Effusion ?
It cannot be determined whether there is a nodule. → Nodule ?
There is uncertainty as to whether a nodule is present. → Nodule ?
Hard to say if there is pneumonia or edema. → Pneumonia ?,Edema ?
Hard to tell whether the effusion is larger. → Effusion +
The question of a pneumothorax is raised. → Pneumothorax ?
Equivocal for pneumothorax. → Pneumothorax ?
It is debatable whether this is a mass. → Mass ?
The possibility of a small effusion is raised. → Effusion ?
Difficult to evaluate for effusion. → none
Difficult to assess whether there is edema. → Edema ?
# limits a third time
Small effusion cannot be seen on this view. → Effusion -
A small pneumothorax may be masked by the chest tube. → none
A subtle consolidation may be hidden behind the heart. → none
The heart may hide a left lower lobe consolidation. → none
Portable films may miss small effusions. → none
A nodule of this size may be missed. → none
The left costophrenic angle is cut off; a small effusion may be missed. → none
Supine films are insensitive for pneumothorax. → none
Because of the supine position a pneumothorax may be overlooked. → none
No pneumothorax is seen, but a small one may be missed. → Pneumothorax -
Limited evaluation for effusion; none is seen. → Effusion -
Limited film. Small effusion on the right. → Effusion +
The nodule may be missed on the lateral view but is seen on the frontal. → Nodule +
Effusion may be loculated. → Effusion +
# one a third time
No large effusions, but small ones may exist. → Effusion ?
No large nodule, but smaller ones cannot be excluded. → Nodule ?
No pneumothorax, but it cannot be fully excluded. → Pneumothorax ?
No obvious mass, but one is not excluded. → Mass ?
No large effusion, however a small one cannot be excluded. → Effusion ?
No large effusion, though a small effusion cannot be excluded. → Effusion ?
No effusion, except possibly a small one on the left. → Effusion ?
No sizeable pneumothorax but I cannot exclude a small one. → Pneumothorax ?
No pneumothorax. One cannot exclude pneumonia. → Pneumothorax -,Pneumonia ?
# what comes after "cannot be excluded"
Pneumonia cannot be excluded, nodule in the RUL. → Pneumonia ?,Nodule +
Absent: pneumothorax, effusion. → Pneumothorax -,Effusion -
Not seen: pneumothorax; effusion. Nodule in the RUL. → Pneumothorax -,Effusion -,Nodule +
No evidence of: pneumothorax, effusion; nodule. → Pneumothorax -,Effusion -,Nodule -
Negative for: pneumothorax; effusion; or nodule. → Pneumothorax -,Effusion -,Nodule -
No evidence of: pneumothorax; nodule in the left lobe. → Pneumothorax -,Nodule +
No evidence of: pneumothorax; mild edema. → Pneumothorax -,Edema +
Effusion: absent, nodule: present. → Effusion -,Nodule +
The following are absent: pneumothorax, effusion. → Pneumothorax -,Effusion -
None of the following: mass, nodule. → Mass -,Nodule -
Resolved: effusion, edema. → Effusion -,Edema -
Ruled out: pneumonia. → Pneumonia -
Pneumonia ruled out. → Pneumonia -
Effusion excluded. → Effusion -
# what is affirmed behind a denial
I see no effusion, and I see a pneumothorax. → Effusion -,Pneumothorax +
There is no effusion, I see a mass. → Effusion -,Mass +
I do not see effusion and I do see edema. → Effusion -,Edema +
Rather than pneumonia, the opacity represents atelectasis. → Pneumonia -,Atelectasis +
Rather than pneumonia, atelectasis or effusion, this is edema. → Pneumonia -,Atelectasis -,Effusion -,Edema +
No pneumothorax, effusion, or consolidation, heart enlarged. → Pneumothorax -,Effusion -,Consolidation -,Cardiomegaly +
Mass (2 cm), effusion (none). → Mass +,Effusion -
Effusion moderate, pneumothorax none → Effusion +,Pneumothorax -
Pneumothorax none, Effusion small, Edema none → Pneumothorax -,Effusion +,Edema -
Effusion, pneumothorax: none → Effusion -,Pneumothorax -
Pneumonia cannot be ruled out, and a nodule in the RUL. → Pneumonia ?,Nodule +
Pneumonia is hard to exclude, nodule in the RUL. → Pneumonia ?,Nodule +
Pneumonia not excluded and nodule in the RUL. → Pneumonia ?,Nodule +
Pneumonia possible, nodule in the RUL. → Pneumonia ?,Nodule +
Cannot exclude pneumonia, effusion or edema. → Pneumonia ?,Effusion ?,Edema ?
# advice a third time
If clinically indicated, CT may help to exclude a nodule. → none
If there is fever, pneumonia is possible. → none
If the patient is febrile, pneumonia should be considered. → none
Pneumonia should be suspected if the patient has fever. → none
If aspiration is suspected, pneumonia may develop. → none
Correlate clinically for pneumonia. → none
If concern for pneumothorax persists, repeat the film. → none
Pneumonia might be considered in the appropriate clinical setting. → Pneumonia ?
Opacity at the left base; if clinically suspected, pneumonia should be considered. → none
Opacity may represent pneumonia if fever is present. → Pneumonia ?
Left basilar opacity, pneumonia if febrile. → Pneumonia ?
Follow-up film if pneumonia does not resolve. → Pneumonia +
# fluid a third time
Pleura: No evidence of fluid. → Effusion -
Pleura: trace fluid bilaterally. → Effusion +
Pleural surfaces: no fluid. → Effusion -
Pleura: no effusion, no thickening. → Effusion -
Pleural fluid is absent. → Effusion -
Pleural fluid (-) → Effusion -
No fluid or air in the pleural space. → Effusion -
No evidence of pleural fluid. → Effusion -
Left pleural fluid collection. → Effusion +
Pleura/costophrenic angles: no fluid, sharp. → Effusion -
# abbreviations a third time
CM: no. PTX: no. PNA: no. EFF: no. → Cardiomegaly -,Pneumothorax -,Pneumonia -,Effusion -
PTX=no; PNA=yes → Pneumothorax -,Pneumonia +
CM? → Cardiomegaly ?
CM, no CHF → Cardiomegaly +
+CM → Cardiomegaly +
CM - none⏎PTX - none → Cardiomegaly -,Pneumothorax -
Tube 5 CM ABOVE THE CARINA. NO PTX. → Pneumothorax -
A 2.5cm mass. → Mass +
Nodule (1 cm), stable. → Nodule +
Measures 4 x 3 cm. No mass. → Mass -
R eff, L PTX, no CM → Effusion +,Pneumothorax +,Cardiomegaly -
# misspelt a third time
Small bilateral plural effusions. → Effusion +
Pneumothrax on the right. → Pneumothorax +
Cardiomegalie. → Cardiomegaly +
Atelectais at both bases. → Atelectasis +
No acute infiltrats. → Infiltration -
Interstital fibrosis → Fibrosis +
Consolidaton in the RLL. → Consolidation +
Pneumona. → Pneumonia +
Ephysema. → Emphysema +
Hiatel hernia. → Hernia +
Effusoin on the right. → Effusion +
Hydropnuemothorax. → Pneumothorax +,Effusion +
Pleural thickenning. → Pleural_Thickening +
Heart is enlargd. → Cardiomegaly +
Transfusion reaction. → none
Infusion catheter tip in the SVC. → none
# traps for the rules themselves
The chest tube may be removed if there is no pneumothorax. → Pneumothorax -
If there is concern, repeat. There is a left effusion. → Effusion +
If symptoms persist, CT is advised. Small left effusion. → Effusion +
The left base is obscured by a large effusion. → Effusion +
Right lung nodule, which may be missed on the lateral view. → Nodule +
Effusion obscures the heart border. → Effusion +
Large effusion may obscure an underlying consolidation. → Effusion +
There is a large effusion, which may hide a mass. → Effusion +
No lateral view was obtained. No pneumothorax. → Pneumothorax -
Without prior films for comparison, the nodule is of uncertain age. → Nodule +
Detection of a new nodule in the right apex. → Nodule +
The patient has a low probability of survival; large effusion. → Effusion +
Pulmonary embolism is unlikely. Small effusion. → Effusion +
Positive pressure ventilation. No pneumothorax. → Pneumothorax -
Pos. blood cultures; pneumonia in the left base. → Pneumonia +
A 3 cm mild opacity, no mass. → Mass -
Carina to tip 3 cm, stable. Stable cardiomegaly. → Cardiomegaly +
Fluid in the stomach. No pleural effusion. → Effusion -
Air-fluid level in the stomach. → none
One nodule is seen on the left. → Nodule +
No nodule. One rib fracture is suspected. → Nodule -
No effusion. One lead may be in the ventricle. → Effusion -
No pneumothorax, and one rib is fractured. → Pneumothorax -
The heart is large, although effusion, edema, and pneumonia are absent. → Cardiomegaly +,Effusion -,Edema -,Pneumonia -
Small effusion, left basal atelectasis, is present. → Effusion +,Atelectasis +
The effusion, now smaller, is loculated. → Effusion +
The pneumothorax, now resolved, was on the right. → Pneumothorax -
No pneumothorax, the tube having been removed, is seen. → Pneumothorax -
Right effusion - no left effusion. → Effusion +
Post-operative changes - left effusion + atelectasis. → Effusion +,Atelectasis +
Effusion +, pneumothorax -, edema + → Effusion +,Pneumothorax -,Edema +
The likelihood of a pneumothorax is low, but there is an effusion. → Pneumothorax ?,Effusion +
Low lung volumes. Suspicion of pneumonia. → Pneumonia ?
Low lung volumes with a high diaphragm; no effusion. → Effusion -
High right hemidiaphragm, probability of eventration. → none
Small chance findings: nodule in the apex. → Nodule +
The pleural spaces are free of fluid, and the heart is enlarged. → Effusion -,Cardiomegaly +
Pleura: no fluid on the right, small effusion on the left. → Effusion +
If the pneumothorax has resolved the tube can be removed. → Pneumothorax +
Whether the effusion is loculated is unclear. → Effusion +
It is unclear whether the effusion is loculated. → Effusion +
The cause of the effusion is unclear. → Effusion +
Unclear etiology of the effusion. → Effusion +
Question of malignancy in a known mass. → Mass +
Hard to compare, but the effusion has grown. → Effusion +
Difficult to determine the size of the effusion. → Effusion +
Presence of a moderate effusion. → Effusion +
The presence of an effusion is confirmed. → Effusion +
The presence of a tube cannot be confirmed; large effusion. → Effusion +
# all kinds in short reports
The right effusion, however, is gone. → Effusion -
Bilateral hip effusions, however, are present. → none
Repaired hiatal hernia; recurrence, however, cannot be excluded. → Hernia -
Nodules, most likely nipple shadows, are seen at both bases. → Nodule -
CLINICAL: rule out PNA⏎⏎PNA: (-)⏎PTX: (-)⏎CM: (+) → Pneumonia -,Pneumothorax -,Cardiomegaly +
IMPRESSION: 1. Low probability of pneumonia. 2. (+) effusion. → Pneumonia ?,Effusion +
Lungs: No PNA.⏎Pleura: No fluid.⏎Heart: CM. → Pneumonia -,Effusion -,Cardiomegaly +
WET READ: (+) PTX⏎FINAL REPORT⏎PTX: (-) → Pneumothorax -
ADDENDUM: Pneumothorax, however, cannot be excluded.⏎⏎FINDINGS: No pneumothorax. → Pneumothorax ?
[x] Efusion⏎[ ] Pnuemothorax → Effusion +,Pneumothorax -
Pnuemothorax: none⏎Efusion: small → Pneumothorax -,Effusion +
? pnuemonia → Pneumonia ?
No efusion → Effusion -
1) No efusion 2) Left pnuemothorax → Effusion -,Pneumothorax +
HISTORY: cardiomegally⏎Lungs are clear. → none
Status post lobectomy for a nodlue. → none
Effusion is not, however, excluded. → Effusion ?
Fluid in the left shoulder joint. → none
Pneumothorax? Hard to say. → Pneumothorax ?
Effusion: hard to say → Effusion ?
Effusion: low likelihood → Effusion ?
Pneumonia: unlikely but cannot be excluded → Pneumonia ?
Effusion: may be missed on this view → none
Small effusion is likely. → Effusion ?
No likely effusion. → Effusion -
There is no high suspicion for pneumonia. → Pneumonia -
There is no strong evidence of pneumonia. → Pneumonia -
Not a low likelihood of pneumonia. → Pneumonia ?
Interval change cannot be assessed; small effusion. → Effusion +
Heart size cannot be assessed. → none
Effusion cannot be assessed. → none
Pneumothorax: cannot tell → Pneumothorax ?
Lungs are clear, no PNA/PTX/eff. → Pneumonia -,Pneumothorax -,Effusion -
No PTX, PNA, or CM. → Pneumothorax -,Pneumonia -,Cardiomegaly -
Chronic CM. No acute process. → Cardiomegaly +
CM is unchanged. → Cardiomegaly +
The CM is mild. → Cardiomegaly +
Known CM, now with edema. → Cardiomegaly +,Edema +
No effusions, (-) ptx → Effusion -,Pneumothorax -
Free of fluid. → none
Pleura: normal. → none
Pleural effusion: no fluid → Effusion -
Pleural fluid: small, left → Effusion +
Pleural fluid none. → Effusion -
Fluid collection in the liver. → none
If pneumonia is suspected, the left base is suspicious. → none
A pneumothorax, even a small one, is not seen. → Pneumothorax -
A pneumothorax, even if small, cannot be excluded. → Pneumothorax ?
Nothing to suggest effusion. → Effusion -
Little if any effusion. → Effusion ?
Little change in the effusion. → Effusion +
`;
