/** Sentences about how a finding develops, in the format of `report_kinds.ts`. */
export const reportCourses = `
# a follow-up waits for what is there to go
Follow up to ensure resolution of the pneumonia. → Pneumonia +
Radiographic follow-up is advised to document resolution of the right basal consolidation. → Consolidation +
Repeat film in 6 weeks to confirm resolution of the pneumonia. → Pneumonia +
Recommend repeat imaging until clearing of the infiltrate. → Infiltration +
Serial films to assess for resolution of the effusion. → Effusion +
Repeat PA and lateral in 4 weeks to see whether the pneumonia has cleared. → Pneumonia +
Follow to complete resolution of the infiltrate. → Infiltration +
Awaiting resolution of pneumothorax. → Pneumothorax +
Follow-up after resolution of the edema is suggested. → Edema +
CT once the effusion has resolved. → Effusion +
Repeat the film when the pneumonia has cleared. → Pneumonia +
It would be premature to say that the effusion has resolved. → Effusion +
Follow up to ensure resolution of the findings. → none
The lungs are clear after resolution of the edema. → Edema -
Resolution of the effusion is confirmed. → Effusion -
# a part of it, and what cannot be said
Resolution of the effusion is awaited. → Effusion +
Part of the right effusion has been drained. → Effusion +
Some of the consolidation has resolved. → Consolidation +
Most of the atelectasis has cleared. → Atelectasis +
A third of the pneumothorax has resolved. → Pneumothorax +
Much of the edema has gone. → Edema +
All of the edema has gone. → Edema -
None of the infiltrate has cleared. → Infiltration +
The effusion there is gone. → Effusion -
The atelectasis seen there is gone. → Atelectasis -
At the left base the effusion there has resolved. → Effusion -
Edema cannot be distinguished from infection. → Edema ?
Consolidation is indistinguishable from effusion on this film. → Consolidation ?,Effusion ?
Atelectasis cannot be differentiated from pneumonia. → Atelectasis ?,Pneumonia ?
Atelectasis and pneumonia cannot be told apart here. → Atelectasis ?,Pneumonia ?
It is impossible to separate effusion from consolidation at the base. → Effusion ?,Consolidation ?
Heart size is difficult to assess due to the effusion. → Effusion +
Heart size cannot be assessed because of the large left effusion. → Effusion +
The heart is obscured by the left effusion. → Effusion +
Evaluation of the left base is limited by an overlying effusion. → Effusion +
The left heart border is obscured by atelectasis. → Atelectasis +
Evaluation for pneumothorax is limited by subcutaneous emphysema. → none
Heart size is hard to judge given bibasilar consolidation. → Consolidation +
The cardiac silhouette cannot be evaluated secondary to consolidation and effusion. → Consolidation +,Effusion +
Assessment of cardiomegaly is limited by effusion. → Effusion +
# what has not grown, and what nobody believes
The pneumothorax has not enlarged. → Pneumothorax +
The nodule has not enlarged since 2015. → Nodule +
Effusions have not enlarged. → Effusion +
The heart is not enlarged. → Cardiomegaly -
Neg. for infiltrate. → Infiltration -
Chest neg. for pneumonia. → Pneumonia -
Lungs: Neg for infiltrate. → Infiltration -
I do not believe there is an effusion. → Effusion -
I don't think there is any pneumothorax. → Pneumothorax -
We do not feel that there is a nodule. → Nodule -
There is not felt to be a pneumothorax. → Pneumothorax -
It does not appear that there is an effusion. → Effusion -
There does not appear to be a pneumothorax. → Pneumothorax -
There doesn't seem to be an effusion. → Effusion -
No convincing pneumothorax. → Pneumothorax -
I doubt that there is an effusion. → Effusion ?
I am not convinced there is a pneumothorax. → Pneumothorax ?
Postradiation fibrosis in the left apex. → Fibrosis +
# after what it came
Radiation fibrosis in the right upper lobe. → Fibrosis +
Post-inflammatory fibrosis. → Fibrosis +
Post-obstructive pneumonia in the left lower lobe. → Pneumonia +
Postoperative atelectasis at both bases. → Atelectasis +
Post-surgical pneumothorax on the right. → Pneumothorax +
Post-traumatic pneumothorax. → Pneumothorax +
Small post-biopsy pneumothorax. → Pneumothorax +
Post-thoracentesis pneumothorax. → Pneumothorax +
Post-procedure pneumothorax, small. → Pneumothorax +
Post-pneumonectomy effusion on the left. → Effusion +
Post biopsy film: no pneumothorax. → Pneumothorax -
Post-CABG effusion. → Effusion +
Status post CABG with left effusion. → Effusion +
Status post thoracentesis, small pneumothorax. → Pneumothorax +
Post lobectomy changes with pleural thickening. → Pleural_Thickening +
The effusion has resolved on the right but persists on the left. → Effusion +
# one side and the other
The effusion has resolved, right mild atelectasis. → Effusion -,Atelectasis +
The edema has resolved, left small nodule. → Edema -,Nodule +
The right effusion has resolved, left pneumothorax persists. → Effusion -,Pneumothorax +
The effusion has resolved, left lung clear. → Effusion -
The films appear to show resolution of the effusion. → Effusion -
Effusions have resolved on the right and decreased on the left. → Effusion +
The edema is gone from the right lung, persistent in the left. → Edema +
Pneumothorax resolved on the left, unchanged on the right. → Pneumothorax +
The right effusion has resolved; the left is unchanged. → Effusion +
The right effusion has resolved and the left effusion is smaller. → Effusion +
Right effusion resolved, left effusion persists. → Effusion +
Left pneumothorax no longer seen, right unchanged. → Pneumothorax +
The effusions are gone on the right and gone on the left. → Effusion -
The pneumothorax has resolved and the left lung is clear. → Pneumothorax -
No effusion on the right, small on the left. → Effusion +
No pneumothorax on the left but a small one on the right. → Pneumothorax +
ADDENDUM: No nodule on review. ORIGINAL: Left nodule. → Nodule -
ADDENDUM: the nodule is a nipple.⏎⏎ORIGINAL INTERPRETATION: left nodule. → Nodule -
Either effusion or thickening. → Effusion ?
Either atelectasis or pneumonia at the left base. → Atelectasis ?,Pneumonia ?
# each with its own word
Effusions decreased, edema resolved, atelectasis unchanged. → Effusion +,Edema -,Atelectasis +
Atelectasis improved, effusion gone. → Atelectasis +,Effusion -
Nodule stable, pneumothorax not seen. → Nodule +,Pneumothorax -
Effusion and edema resolved, atelectasis stable. → Effusion -,Edema -,Atelectasis +
Effusion, edema and atelectasis have resolved. → Effusion -,Edema -,Atelectasis -
Kyphosis limits evaluation of the bases, where effusion cannot be excluded. → Effusion ?
Scoliosis limits evaluation of the left base, where there is atelectasis. → Atelectasis +
The opacity previously thought to be a mass is rounded atelectasis. → Atelectasis +
The shadow initially read as a nodule is a vessel on end. → Nodule -
The nodule, previously thought to be a granuloma, has grown. → Nodule +
# whole reports
EXAM: CHEST 2 VIEWS⏎CLINICAL HISTORY: 54F, cough, hx of pneumothorax⏎COMPARISON: 2/3/2019 with effusion⏎FINDINGS:⏎Cardiac silhouette: upper limits of normal⏎Lungs: RLL airspace consolidation⏎Pleura: tiny right effusion⏎IMPRESSION:⏎RLL pneumonia. Follow up to resolution. → Consolidation +,Effusion +,Pneumonia +
PORTABLE CHEST 0600⏎⏎ETT 4 cm above carina. Right IJ line tip in SVC, no pneumothorax. Bibasilar atelectasis, unchanged. Small left effusion, slightly larger. → Pneumothorax -,Atelectasis +,Effusion +
Compared with 3/2: interval resolution of the effusions; new left lower lobe atelectasis. → Effusion -,Atelectasis +
WET READ: RLL pneumonia. FINAL REPORT: Lungs are clear. → none
RESIDENT: No pneumothorax. STAFF ADDENDUM: Small left apical pneumothorax is present. → Pneumothorax +
Addendum: After review with prior CT, the left nodule is a nipple shadow. Original: There is a left lower lobe nodule. → Nodule -
[ ] Normal [x] Cardiomegaly [ ] Effusion [x] Edema → Cardiomegaly +,Effusion -,Edema +
1. Stable mild cardiomegaly.2. Resolved edema.3. Persistent effusion. → Cardiomegaly +,Edema -,Effusion +
Post-radiation fibrosis in the left apex. → Fibrosis +
The effusions are gone on the right and smaller on the left. → Effusion +
Right pneumothorax has resolved, left persists. → Pneumothorax +
I do not think there is a pneumothorax. → Pneumothorax -
Lungs: Neg. for infiltrate. → Infiltration -
`;
