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
Heart size normal without effusion or infiltrates bilaterally. | Effusion -,Infiltration -
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
`;
