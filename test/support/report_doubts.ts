/**
 * What a report says in a roundabout way, by kind: words thrown in, how likely something is, what a film cannot show, advice,
 * signs, abbreviations and misspellings. The format is that of `report_kinds.ts`. The right labels were written down before the
 * miner was run on them.
 */
export const reportDoubts = `
# cannot be excluded, with words thrown in
Effusion, however, cannot be ruled out. → Effusion ?
Pneumonia, therefore, cannot be excluded. → Pneumonia ?
A small pneumothorax, of course, cannot be excluded. → Pneumothorax ?
Pneumonia, at this time, cannot be ruled out. → Pneumonia ?
An effusion, on this view, is not excluded. → Effusion ?
A nodule, on the other hand, cannot be excluded. → Nodule ?
Consolidation, in this setting, is not excluded. → Consolidation ?
Pneumothorax, nevertheless, is not seen. → Pneumothorax -
The effusion, however, has resolved. → Effusion -
The effusion, however, persists. → Effusion +
Cardiomegaly, though mild, is present. → Cardiomegaly +
Edema, although possible, is not favored. → Edema ?
No edema; effusion, however, is present. → Edema -,Effusion +
There is no consolidation. However, atelectasis cannot be excluded. → Consolidation -,Atelectasis ?
Pneumothorax, as far as can be seen, is absent. → Pneumothorax -
Pneumonia, in my opinion, is unlikely. → Pneumonia ?
An infiltrate, for example pneumonia, cannot be excluded. → Infiltration ?,Pneumonia ?
A pneumothorax, to be sure, is not identified. → Pneumothorax -
# how likely
There is a low likelihood of pneumonia. → Pneumonia ?
Low probability of pneumothorax. → Pneumothorax ?
Findings are unlikely to represent pneumonia. → Pneumonia -
Opacity of low suspicion for pneumonia. → Pneumonia ?
There is a low index of suspicion for a mass. → Mass ?
High likelihood of pneumonia. → Pneumonia ?
High probability of effusion. → Effusion ?
The likelihood of pneumonia is low. → Pneumonia ?
The probability of a pneumothorax is very low. → Pneumothorax ?
The likelihood of effusion is high. → Effusion ?
It is very unlikely that this is pneumonia. → Pneumonia ?
Pneumonia is improbable. → Pneumonia ?
Pneumonia is considered less likely. → Pneumonia ?
In all probability a small effusion. → Effusion ?
There is little to suggest pneumonia. → Pneumonia -
Chances of a pneumothorax are small. → Pneumothorax ?
# signs and short answers
Effusions: (-) bilaterally → Effusion -
(-) effusion → Effusion -
(+) effusion → Effusion +
(-) pneumothorax, (+) effusion → Pneumothorax -,Effusion +
Effusion (+), edema (-) → Effusion +,Edema -
+ effusion, - pneumothorax → Effusion +,Pneumothorax -
Pos for effusion, neg for pneumothorax. → Effusion +,Pneumothorax -
Pneumothorax: neg⏎Effusion: pos → Pneumothorax -,Effusion +
Neg ptx, pos eff. → Pneumothorax -,Effusion +
PTX (-)⏎EFF (+)⏎PNA (-) → Pneumothorax -,Effusion +,Pneumonia -
Pneumothorax: - left, - right → Pneumothorax -
Effusion: (+) left, (-) right → Effusion +
CXR neg for PNA. → Pneumonia -
Positive for cardiomegaly, negative for edema. → Cardiomegaly +,Edema -
Effusion: no left, small right → Effusion +
Pneumothorax: none on either side → Pneumothorax -
Effusion: none bilaterally → Effusion -
# hard to tell
It is hard to say whether there is an effusion. → Effusion ?
It is difficult to tell if there is a pneumothorax. → Pneumothorax ?
Unclear whether this is pneumonia. → Pneumonia ?
There is a question of whether there is a nodule. → Nodule ?
Question of a left apical pneumothorax. → Pneumothorax ?
Whether there is an effusion cannot be determined. → Effusion ?
I cannot tell whether the effusion has changed. → Effusion +
Difficult to determine if pneumonia is present. → Pneumonia ?
It remains to be seen whether this is a mass. → Mass ?
Hard to know if this represents atelectasis. → Atelectasis ?
Not sure if effusion or thickening. → Effusion ?
# what the examination cannot show
Without a lateral view a small effusion may be missed. → none
A small pneumothorax may be obscured by the overlying drain. → none
A small effusion could be hidden behind the diaphragm. → none
Small nodules can be missed on portable films. → none
Supine technique limits the detection of pneumothorax. → none
Evaluation for effusion is limited by rotation. → none
A tiny pneumothorax may not be visible on a supine film. → none
Small pleural effusions would not be detected on this view. → none
The left base is not included; an effusion may be overlooked. → none
Overlying monitoring leads could mask a small nodule. → none
Sensitivity for small nodules is reduced. → none
The nodule is obscured by the overlying drain. → Nodule +
The heart is partly obscured by a left effusion. → Effusion +
# one
No large effusion, but a small one cannot be excluded. → Effusion ?
No large pneumothorax, although a tiny one is possible. → Pneumothorax ?
No definite nodule, though one may be present at the right apex. → Nodule ?
No large effusion, but a small one is present. → Effusion +
There is no effusion on the right; a small one on the left cannot be excluded. → Effusion ?
No large pneumothorax. A small one cannot be excluded. → Pneumothorax ?
# advice
If clinically suspected, pneumonia should be considered. → none
If fever persists, pneumonia should be considered. → none
Pneumonia should be considered if there is fever. → none
If there is concern for pneumothorax, obtain an expiratory film. → none
If symptoms worsen, CT may be obtained to exclude a mass. → none
Should fever develop, pneumonia must be considered. → none
Pneumonia should be considered. → Pneumonia ?
Clinical correlation for pneumonia is recommended. → none
If the effusion enlarges, drainage is advised. → Effusion +
# fluid
Pleura: no fluid → Effusion -
No pleural fluid. → Effusion -
Small amount of pleural fluid on the left. → Effusion +
Pleural spaces: fluid on the right. → Effusion +
Pleural spaces are free of fluid. → Effusion -
No fluid in the pleural spaces. → Effusion -
Pleura: small amount of fluid on the left → Effusion +
Pleural fluid: none → Effusion -
There is fluid in the right pleural space. → Effusion +
The pleural spaces are dry. → Effusion -
Pleura: clear, no fluid or thickening. → Effusion -,Pleural_Thickening -
# abbreviations of templates
CM: yes⏎PTX: no⏎PNA: no⏎Eff: small left → Cardiomegaly +,Pneumothorax -,Pneumonia -,Effusion +
No CM. No PTX. → Cardiomegaly -,Pneumothorax -
Mild CM, no eff. → Cardiomegaly +,Effusion -
CM: no; atel: mild → Cardiomegaly -,Atelectasis +
2 CM NODULE IN THE RIGHT APEX → Nodule +
ETT 4 cm above the carina. No ptx. → Pneumothorax -
Stable CM without CHF. → Cardiomegaly +
PTX - N⏎PNA - Y → Pneumothorax -,Pneumonia +
Bilat pl effs, L>R. → Effusion +
# misspelt
Small left pnuemothorax. → Pneumothorax +
No pnemothorax. → Pneumothorax -
Bibasilar atelectesis. → Atelectasis +
Mild cardiomegally. → Cardiomegaly +
Small right effusuion. → Effusion +
Small plueral efusion. → Effusion +
No consoldiation or pnuemonia. → Consolidation -,Pneumonia -
Severe emphesema. → Emphysema +
Right basilar infilrate. → Infiltration +
Hiatal herina. → Hernia +
Pulmonary edmea. → Edema +
There is a right lung nodlue. → Nodule +
An infusion pump overlies the chest. → none
Patient wears a mask. → none
Normal perfusion; the infusion module projects over the chest. → none
Lungs clear wihtout effusion. → Effusion -
# missing punctuation
no effusion no cardiomegaly → Effusion -,Cardiomegaly -
no effusion, cardiomegaly → Effusion -,Cardiomegaly -
no effusion. cardiomegaly → Effusion -,Cardiomegaly +
# layouts once more
INDICATION: effusion. FINDINGS: CM: no. PTX: (-). → Cardiomegaly -,Pneumothorax -
HISTORY: pneumonia⏎⏎Lungs: clear⏎Pleura: no fluid⏎Heart: normal size → Effusion -,Cardiomegaly -
1. Pneumonia, however, cannot be excluded.⏎2. Low likelihood of effusion. → Pneumonia ?,Effusion ?
[x] PTX [ ] PNA [ ] CM → Pneumothorax +,Pneumonia -,Cardiomegaly -
Lungs - low suspicion for pneumonia⏎Pleura - small effusion → Pneumonia ?,Effusion +
WET READ: PTX cannot be excluded.⏎FINAL: No ptx. → Pneumothorax -
Nodule: (+) 4 mm⏎Mass: (-) → Nodule +,Mass -
• CM • no eff • small L ptx → Cardiomegaly +,Effusion -,Pneumothorax +
`;
