/** Sentences in our own words with what they say of each disease: + stated, - negated, ? uncertain; nothing for none. */
export const reportSentences = `
The lungs are clear; no pneumothorax, and the heart remains enlarged. | Pneumothorax -,Cardiomegaly +
There is a small right pneumothorax, and no effusion is seen. | Pneumothorax +,Effusion -
Bilateral effusions have increased, right greater than left, with adjacent atelectasis. | Effusion +,Atelectasis +
Effusion on the right has resolved; effusion on the left persists. | Effusion +
Consolidation has cleared but a nodule is now seen. | Consolidation -,Nodule +
No mass, nodule, or consolidation is identified, and there is no effusion. | Mass -,Nodule -,Consolidation -,Effusion -
Opacity at the left base is compatible with atelectasis rather than pneumonia. | Atelectasis +,Pneumonia -
Findings likely represent pulmonary edema, less likely pneumonia. | Edema ?,Pneumonia -
Pneumonia is thought less likely. | Pneumonia ?
No evidence of acute pneumonia, but chronic fibrosis is again seen. | Pneumonia -,Fibrosis +
Stable cardiomegaly with resolved edema. | Cardiomegaly +,Edema -
Heart size normal without effusion or infiltrates bilaterally. | Cardiomegaly -,Effusion -,Infiltration -
The cardiac size is enlarged compared with the prior study. | Cardiomegaly +
Cardiac enlargement is not seen. | Cardiomegaly -
Compared to the prior radiograph, the effusion is smaller. | Effusion +
Since the prior study, pneumothorax has resolved. | Pneumothorax -
There is no longer a pneumothorax. | Pneumothorax -
The nodule is no longer apparent. | Nodule -
Previously described nodule is not identified today. | Nodule -
Questionable small effusion. | Effusion ?
Trace pleural effusion is not excluded. | Effusion ?
Small effusion vs pleural thickening. | Effusion ?,Pleural_Thickening ?
There is perhaps minimal atelectasis. | Atelectasis ?
A tiny pneumothorax may be present. | Pneumothorax ?
An underlying mass cannot be entirely excluded. | Mass ?
Underlying pneumonia would be difficult to exclude. | Pneumonia ?
No convincing evidence for pneumothorax. | Pneumothorax -
No appreciable effusion. | Effusion -
No large or moderate effusion. | Effusion -
No radiographic findings suggestive of pneumonia. | Pneumonia -
There are no findings to indicate pneumonia or edema. | Pneumonia -,Edema -
Doubt pneumonia. | Pneumonia ?
Without pneumothorax or effusion, the lungs are clear. | Pneumothorax -,Effusion -
Both lungs are free from consolidation. | Consolidation -
Emphysema is present, but there is no pneumothorax. | Emphysema +,Pneumothorax -
Status post drainage of effusion. | Effusion +
Chest tube in place for pneumothorax. | Pneumothorax +
Right pneumothorax is unchanged in size. | Pneumothorax +
Right pneumothorax, not significantly changed. | Pneumothorax +
No significant interval change in bibasilar atelectasis and small effusions. | Atelectasis +,Effusion +
Minimal if any effusion. | Effusion ?
There is no right effusion. There is a left effusion. | Effusion +
No right, but a small left effusion. | Effusion +
Neither lung shows a nodule. | Nodule -
The lungs show neither nodules nor masses. | Nodule -,Mass -
The appearance could be due to infiltrate or edema. | Infiltration ?,Edema ?
Resolving left lower lobe pneumonia. | Pneumonia +
Interval clearing of the right lower lobe pneumonia. | Pneumonia -
Improved edema. | Edema +
The lungs are clear with no infiltrate, effusion, pneumothorax or edema identified on this examination. | Infiltration -,Effusion -,Pneumothorax -,Edema -
Infiltrates: none. | Infiltration -
Pleural effusion: small, left. | Effusion +
Pneumothorax: No. | Pneumothorax -
Cardiomegaly: mild. | Cardiomegaly +
Hiatal hernia is noted. | Hernia +
Apical pleural thickening bilaterally, no effusion. | Pleural_Thickening +,Effusion -
Interstitial fibrosis without honeycombing. | Fibrosis +
Emphysema with no focal consolidation or mass lesion. | Emphysema +,Consolidation -,Mass -
Suspicious for a mass. | Mass ?
Mass-like consolidation. | Mass +,Consolidation +
CT is recommended to further evaluate the nodule. |
If there is concern for pneumonia, follow-up is advised. |
Infiltrate has not changed. | Infiltration +
Unchanged small effusion without new consolidation. | Effusion +,Consolidation -
No consolidations. Atelectasis in the lingula. | Consolidation -,Atelectasis +
There is no evidence to support pneumonia. | Pneumonia -
Left lower lobe collapse. | Atelectasis +
Vertebral body collapse. |
Small bilateral pleural effusions versus pleural thickening, without pneumothorax. | Effusion ?,Pleural_Thickening ?,Pneumothorax -
Findings are most consistent with mild edema. | Edema +
Pneumonia in the right lung base, now resolved. | Pneumonia -
Partially resolved pneumonia. | Pneumonia +
The infiltrate has nearly completely resolved. | Infiltration +
Atelectasis is less likely than pneumonia. | Atelectasis ?,Pneumonia +
There is no doubt a large effusion. | Effusion +
The nodule was not seen on the prior exam. | Nodule +
Pneumothorax: none. Effusion: none | Pneumothorax -,Effusion -
Left effusion without pneumothorax, and stable cardiomegaly. | Effusion +,Pneumothorax -,Cardiomegaly +
Patchy bibasilar airspace opacities favor atelectasis over pneumonia. | Atelectasis ?,Pneumonia ?
The right lower lobe pneumonia seen previously has improved. | Pneumonia +
The right pneumothorax seen on the prior study has resolved. | Pneumothorax -
A previously seen left pneumothorax is not visible today. | Pneumothorax -
No pneumothorax is seen after thoracentesis, and the effusion is smaller. | Pneumothorax -,Effusion +
Left effusion is small, unchanged, without evidence of pneumothorax. | Effusion +,Pneumothorax -
No cardiomegaly or edema; mild right effusion. | Cardiomegaly -,Edema -,Effusion +
Moderate right and small left pleural effusions. | Effusion +
The lungs are hyperinflated, consistent with emphysema, without focal consolidation or effusion. | Emphysema +,Consolidation -,Effusion -
No lung nodule or mass is appreciated on this single view. | Nodule -,Mass -
Multiple pulmonary nodules, largest 2.1 cm in the right upper lobe, suspicious for metastases. | Nodule +
Large right upper lobe mass with volume loss. | Mass +,Atelectasis ?
Heart is borderline enlarged. | Cardiomegaly ?
Heart size is borderline. | Cardiomegaly ?
The heart is of top normal size. |
Cardiac silhouette size is normal. | Cardiomegaly -
Top normal heart size. |
There is pulmonary vascular congestion without frank edema. | Edema -
Mild interstitial edema has developed. | Edema +
There is increasing right basilar consolidation, which may represent pneumonia or aspiration. | Consolidation +,Pneumonia ?
Lungs demonstrate diffuse interstitial infiltrates. | Infiltration +
No acute infiltrates. | Infiltration -
The previously identified infiltrate in the lingula is again noted. | Infiltration +
There is no evidence of recurrent pneumothorax. | Pneumothorax -
There is a recurrent left pneumothorax. | Pneumothorax +
Pneumothorax, if present, is tiny. | Pneumothorax ?
The effusions have not changed. | Effusion +
The effusions have cleared. | Effusion -
The pleural fluid has decreased. | Effusion +
Pleural fluid is not evident. | Effusion -
There are bilateral pleural effusions, left greater than right, and there is no pneumothorax. | Effusion +,Pneumothorax -
Atelectasis or early pneumonia cannot be excluded at the left base. | Atelectasis ?,Pneumonia ?
Mild scarring or atelectasis at the left base. | Atelectasis +
Linear atelectasis; otherwise the lungs are clear. | Atelectasis +
The lungs are otherwise clear without effusion. | Effusion -
Apart from a calcified nodule, the lungs are clear. | Nodule +
No evidence of pneumonia, CHF or other acute process. | Pneumonia -
No pneumonia or congestive heart failure; stable emphysema. | Pneumonia -,Emphysema +
Lungs free of consolidation, pneumothorax, effusion. | Consolidation -,Pneumothorax -,Effusion -
Lungs: No consolidation. Pleura: No effusion or pneumothorax. Heart: Mildly enlarged. | Consolidation -,Effusion -,Pneumothorax -,Cardiomegaly +
Negative for mass or adenopathy. | Mass -
There has been interval development of a left pleural effusion. | Effusion +
Interval placement of a chest tube with resolution of the pneumothorax. | Pneumothorax -
Chest tube removed; no residual pneumothorax. | Pneumothorax -
The trachea is deviated by a mediastinal mass. | Mass +
Fibrotic changes in both apices. | Fibrosis +
There are no fibrotic changes. | Fibrosis -
Moderate-sized hiatal hernia with an air-fluid level. | Hernia +
Loculated right hydropneumothorax. | Effusion +,Pneumothorax +
Subsegmental atelectasis left base. No effusion. | Atelectasis +,Effusion -
Mild pulmonary edema versus atypical pneumonia. | Edema ?,Pneumonia ?
This is worrisome for malignancy; no nodules elsewhere. | Nodule -
No new nodules or masses; known left lung mass is stable. | Nodule -,Mass +
Cardiomegaly is present, however no edema. | Cardiomegaly +,Edema -
The absence of effusion argues against edema. | Effusion -,Edema -
No change in cardiomegaly or effusions since the prior. | Cardiomegaly +,Effusion +
Without significant change in the right upper lobe mass. | Mass +
Left basilar opacity could represent a combination of effusion and atelectasis. | Effusion ?,Atelectasis ?
I cannot exclude a small pneumothorax. | Pneumothorax ?
Evaluation for nodules is limited on portable radiographs. |
`;
