/**
 * A second set of the kinds in `report_doubts.ts`, written after the faults found by the first had been corrected.
 */
export const moreReportDoubts = `
# asides
Pneumothorax, thankfully, is not seen. → Pneumothorax -
A left effusion, although small, is present. → Effusion +
Effusion, if present, is small. → Effusion ?
The nodule, which is calcified, is stable. → Nodule +
Consolidation, on the present film, cannot be ruled out. → Consolidation ?
Early pneumonia, given the history, is not excluded. → Pneumonia ?
Atelectasis, as before, is present at the left base. → Atelectasis +
A small pneumothorax, in retrospect, was present. → Pneumothorax +
Effusion however cannot be excluded. → Effusion ?
The heart, however, is enlarged. → Cardiomegaly +
The heart, however, is not enlarged. → Cardiomegaly -
No consolidation, effusion, or pneumothorax is seen. → Consolidation -,Effusion -,Pneumothorax -
Mild edema, however, persists; effusion, though, has cleared. → Edema +,Effusion -
No pneumothorax; pneumonia, at this point in time, cannot be excluded. → Pneumothorax -,Pneumonia ?
Edema can, of course, not be excluded. → Edema ?
Pneumonia cannot, therefore, be excluded. → Pneumonia ?
Pneumonia cannot on this single view be excluded. → Pneumonia ?
A pneumothorax (at least on this view) is not seen. → Pneumothorax -
An effusion - at least a large one - is not present. → Effusion -
# likelihood
Pneumonia is felt to be unlikely. → Pneumonia ?
Pneumonia is thought very unlikely. → Pneumonia ?
The findings make pneumonia unlikely. → Pneumonia ?
Very low likelihood of pneumothorax. → Pneumothorax ?
There is a small chance of pneumonia. → Pneumonia ?
Low clinical probability of effusion. → Effusion ?
The opacity is unlikely to be pneumonia. → Pneumonia -
Pneumonia is highly likely. → Pneumonia ?
There is a strong likelihood of pneumonia. → Pneumonia ?
Suspicion for pneumonia is high. → Pneumonia ?
Suspicion for pneumothorax is low. → Pneumothorax ?
Nodule of low suspicion in the left apex. → Nodule +
Remote possibility of a mass. → Mass ?
There is a reasonable likelihood of pneumonia. → Pneumonia ?
Pneumonia has a low probability. → Pneumonia ?
The chance of an underlying mass is remote. → Mass ?
Little likelihood of effusion. → Effusion ?
Most likely represents atelectasis. → Atelectasis ?
Doubtful effusion. → Effusion -
Effusion is doubtful. → Effusion ?
No likelihood of pneumonia. → Pneumonia -
# signs
Effusions (-) → Effusion -
Pneumothorax (+), right apical → Pneumothorax +
PTX: (-), PNA: (+) → Pneumothorax -,Pneumonia +
(+) cardiomegaly, (-) edema, (-) effusion → Cardiomegaly +,Edema -,Effusion -
Effusion (–), consolidation (+) → Effusion -,Consolidation +
Effusion (neg), nodule (pos) → Effusion -,Nodule +
Effusion: neg. Nodule: pos. → Effusion -,Nodule +
Neg. for pneumothorax. → Pneumothorax -
Pos. for pneumonia. → Pneumonia +
neg PTX → Pneumothorax -
PTX neg, eff pos → Pneumothorax -,Effusion +
Effusion: + → Effusion +
Effusion: - → Effusion -
Effusion: (+/-) → Effusion ?
Nodules: (-) on the left, (+) on the right → Nodule +
Edema: ( - ) → Edema -
Edema: ( + ) → Edema +
Effusion [-] Pneumothorax [+] → Effusion -,Pneumothorax +
Effusion: ++ → Effusion +
Pneumothorax: (-) bilat → Pneumothorax -
Pneumothorax: none, bilaterally → Pneumothorax -
# hard to tell
I am unable to tell whether there is a pneumothorax. → Pneumothorax ?
It is uncertain whether an effusion is present. → Effusion ?
It is not clear if there is an effusion. → Effusion ?
It is unclear if this represents pneumonia or atelectasis. → Pneumonia ?,Atelectasis ?
There is some question as to whether there is a nodule. → Nodule ?
Question whether there is a small effusion. → Effusion ?
The presence of an effusion is hard to establish. → Effusion ?
Presence of pneumothorax cannot be determined. → Pneumothorax ?
It is difficult to say if there is pneumonia. → Pneumonia ?
It is impossible to exclude an effusion. → Effusion ?
It is hard to distinguish atelectasis from pneumonia. → Atelectasis ?,Pneumonia ?
An effusion is difficult to exclude. → Effusion ?
Whether this is a nodule is unclear. → Nodule ?
Indeterminate for pneumonia. → Pneumonia ?
Doubt about a left apical nodule remains. → Nodule ?
# limits
Small effusions may be occult on supine films. → none
A pneumothorax could easily be missed on this supine film. → none
Tiny nodules may go undetected. → none
The portable technique may obscure a small pneumothorax. → none
Evaluation of the left base for effusion is limited. → none
Detection of a small pneumothorax is limited by supine positioning. → none
In the absence of a lateral view, an effusion may be missed. → none
No lateral view. Small effusion on the left. → Effusion +
Without a lateral film, a retrocardiac consolidation cannot be excluded. → Consolidation ?
The film is rotated, so that small nodules may be overlooked. → none
A small apical pneumothorax might not be seen on this film. → none
Cardiomegaly may be exaggerated by the AP projection. → Cardiomegaly +
The apices are obscured; a small pneumothorax may be hidden. → none
A small effusion would be missed on this view. → none
Small pneumothoraces can be invisible on supine radiographs. → none
The effusion obscures the left base. → Effusion +
An underlying mass may be obscured by the effusion. → Effusion +
# one
No definite pneumothorax, but a tiny one may be present. → Pneumothorax ?
No large mass; a small one may be hidden. → Mass -
No effusion is seen, although one cannot be ruled out. → Effusion ?
No pneumonia, although early infection cannot be excluded. → Pneumonia -
No sizable effusion. One may exist on the left. → Effusion ?
No large effusion; small one possible. → Effusion ?
No large nodule. Cannot exclude a small one. → Nodule ?
There is no pneumothorax, and none is suspected. → Pneumothorax -
No large pleural effusion; small effusion cannot be excluded. → Effusion ?
No large effusions but small ones cannot be excluded. → Effusion ?
# advice
Consider pneumonia if febrile. → none
Pneumonia could be considered if clinically indicated. → none
If there is clinical suspicion of pneumonia, repeat the film. → none
If pneumothorax is suspected, obtain an upright film. → none
Repeat film if effusion is suspected. → none
If clinical concern for pneumonia persists, CT is advised. → none
In case of fever, consider pneumonia. → none
Follow up to exclude an underlying mass. → none
CT is recommended if there is concern for a mass. → none
Consider pneumonia. → Pneumonia ?
Infection should be considered in the right clinical setting; no effusion. → Effusion -
When clinically suspected, pneumonia should be treated. → none
Unless there are signs of infection, pneumonia need not be considered. → none
If the nodule persists, CT is recommended. → Nodule +
# fluid
Pleural fluid is present on the right. → Effusion +
No free pleural fluid. → Effusion -
Pleura: No fluid or pneumothorax. → Effusion -,Pneumothorax -
PLEURA: NO FLUID → Effusion -
Pleural space: no fluid, no air → Effusion -
Pleura - no fluid collection. → Effusion -
Without pleural fluid. → Effusion -
Pleural fluid cannot be excluded. → Effusion ?
Pleural fluid has resolved. → Effusion -
Fluid tracks along the right fissure. → Effusion +
There is no fluid in the pleural space. → Effusion -
Pleura: fluid (-) → Effusion -
Layering fluid on the left. → Effusion +
Stomach contains fluid. → none
Fluid overload. → none
# abbreviations
CM+ → Cardiomegaly +
CM (-) PTX (-) → Cardiomegaly -,Pneumothorax -
Cardiomeg: mild → Cardiomegaly +
PTX⏎No PNA → Pneumothorax +,Pneumonia -
PNX on the right. → Pneumothorax +
Nodule of 3 cm. → Nodule +
Line tip 3 cm below the carina, unchanged. No eff. → Effusion -
No change, 5 cm stable mass. → Mass +
Borderline CM. → Cardiomegaly ?
ATX: yes, PTX: no → Atelectasis +,Pneumothorax -
Lungs: no PNA, no PTX, no eff. Heart: CM. → Pneumonia -,Pneumothorax -,Effusion -,Cardiomegaly +
# misspelt
Cardiomegly with small efussions. → Cardiomegaly +,Effusion +
Pnumothorax on the left. → Pneumothorax +
Bilateral pluerral effusions → Effusion +
Bibasilar atlectasis. → Atelectasis +
Right lower lobe consolodation. → Consolidation +
LLL pneuomnia → Pneumonia +
No pneumothroax. → Pneumothorax -
Small bilateral pnuemothoraces. → Pneumothorax +
Pulmonary fibrosus changes. → none
Bronchopnuemonia in the left base. → Pneumonia +
Emphysemetous changes. → Emphysema +
Atelectic changes at the base. → Atelectasis +
Hernea of the diaphragm. → Hernia +
Interstital oedma. → Edema +
Plural effusion. → Effusion +
Noduel in the right apex. → Nodule +
Pleural thickning. → Pleural_Thickening +
The heart is enlaged. → Cardiomegaly +
Infiltarte in the RUL. → Infiltration +
Consolation was offered to the family. → none
A memory module and an infusion port. → none
Contrast diffusion is normal. → none
# signs once more
-ptx, +eff → Pneumothorax -,Effusion +
+eff -ptx → Effusion +,Pneumothorax -
+ effusion, - pneumothorax, - edema → Effusion +,Pneumothorax -,Edema -
(-) PTX (+) effusion → Pneumothorax -,Effusion +
(-)effusion → Effusion -
(+)effusion (-)ptx → Effusion +,Pneumothorax -
Effusion + edema + → Effusion +,Edema +
left-sided effusion → Effusion +
- Left effusion⏎- No edema → Effusion +,Edema -
Effusion and edema (-) → Effusion -,Edema -
Findings: (-) effusion; (-) pneumothorax → Effusion -,Pneumothorax -
effusion + atelectasis - no pneumothorax → Effusion +,Atelectasis +,Pneumothorax -
Effusion -/+ → Effusion +
+/- small effusion → Effusion ?
-ve for effusion → Effusion -
+ve effusion → Effusion +
-ve effusion → Effusion -
Lungs: (-) consolidation, (-) nodules → Consolidation -,Nodule -
# a comma that is missing
no effusion cardiomegaly → Effusion -,Cardiomegaly ?
No effusion hiatal hernia. → Effusion -,Hernia +
no effusion or cardiomegaly → Effusion -,Cardiomegaly -
no effusion pneumothorax → Effusion -,Pneumothorax -
no effusion pneumothorax cardiomegaly or edema → Effusion -,Pneumothorax -,Cardiomegaly -,Edema -
no effusion mild cardiomegaly → Effusion -,Cardiomegaly +
no cardiomegaly → Cardiomegaly -
no cardiomegaly effusion → Cardiomegaly -,Effusion -
No pneumothorax large pleural effusion. → Pneumothorax -,Effusion -
`;
