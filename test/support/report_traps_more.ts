/** A second set of the kinds in `report_traps.ts`, written after the faults found by the first had been corrected. */
export const moreReportTraps = `
# values on lines
Pleural effusion, No⏎Pneumothorax, No⏎Consolidation, Yes → Effusion -,Pneumothorax -,Consolidation +
Nodule;Yes⏎Mass;No → Nodule +,Mass -
Atelectasis	yes⏎Effusion	no → Atelectasis +,Effusion -
Cardiomegaly...yes⏎Effusion...no → Cardiomegaly +,Effusion -
Pneumothorax :No⏎Effusion :Yes → Pneumothorax -,Effusion +
pneumothorax=0⏎effusion=1 → Pneumothorax -,Effusion +
Pneumothorax: 0, Effusion: 1, Edema: 0 → Pneumothorax -,Effusion +,Edema -
Label,Value⏎Hernia,Yes⏎Fibrosis,No → Hernia +,Fibrosis -
Effusion, Unlikely⏎Pneumonia, Likely → Effusion ?,Pneumonia ?
Effusion,Negative⏎Nodule,Positive → Effusion -,Nodule +
Left pleural effusion,Yes⏎Right pleural effusion,No → Effusion +
Effusion: N⏎Nodule: Y → Effusion -,Nodule +
Pneumothorax [No] Effusion [Yes] → Pneumothorax -,Effusion +
{"effusion": false, "pneumothorax": true} → Effusion -,Pneumothorax +
effusion - 0⏎pneumothorax - 1 → Effusion -,Pneumothorax +
# rows
no effusion no pneumothorax no consolidation heart enlarged → Effusion -,Pneumothorax -,Consolidation -,Cardiomegaly +
No pneumothorax No effusion Mild bibasilar atelectasis → Pneumothorax -,Effusion -,Atelectasis +
right effusion left pneumothorax no edema → Effusion +,Pneumothorax +,Edema -
no pneumothorax seen small left effusion seen → Pneumothorax -,Effusion +
Edema absent Effusion absent Cardiomegaly present → Edema -,Effusion -,Cardiomegaly +
Edema none Effusion moderate right Pneumothorax none → Edema -,Effusion +,Pneumothorax -
NO PNEUMOTHORAX NO EFFUSION LEFT BASILAR ATELECTASIS → Pneumothorax -,Effusion -,Atelectasis +
no acute infiltrate or effusion stable cardiomegaly → Infiltration -,Effusion -,Cardiomegaly +
no pneumonia or edema → Pneumonia -,Edema -
no left or right pneumothorax → Pneumothorax -
no evidence of pneumonia right pleural effusion is small → Pneumonia -,Effusion +
Pneumothorax No Effusion No Nodule Yes → Pneumothorax -,Effusion -,Nodule +
no new nodule old right apical nodule stable → Nodule +
lungs clear no effusion → Effusion -
# lists
a) cardiomegaly b) no effusion c) small left pneumothorax → Cardiomegaly +,Effusion -,Pneumothorax +
1] Cardiomegaly 2] No effusion → Cardiomegaly +,Effusion -
(1) no pneumonia (2) right nodule (3) no effusion → Pneumonia -,Nodule +,Effusion -
I. No effusion II. Left nodule → Effusion -,Nodule +
Heart | enlarged | Pleura | no effusion → Cardiomegaly +,Effusion -
No pneumonia | No effusion | Cardiomegaly → Pneumonia -,Effusion -,Cardiomegaly +
No effusion || Left nodule → Effusion -,Nodule +
1. No pneumothorax; 2. left effusion; 3. no edema → Pneumothorax -,Effusion +,Edema -
• No effusion⏎• Nodule⏎• No mass → Effusion -,Nodule +,Mass -
1/ No effusion 2/ Left nodule → Effusion -,Nodule +
a: no effusion b: left nodule → Effusion -,Nodule +
# blanks
Nodule: _____ → none
Pneumothorax:_ → none
Mass: (see CT report) → none
Effusion: please see CT. → none
Consolidation: see comment → none
Edema: deferred → none
Nodule: [fill in] → none
Mass: not evaluated → none
Effusion: limited evaluation → none
Effusion:⏎⏎Pneumothorax:⏎⏎Nodule: 4 mm in the right apex → Nodule +
Cardiomegaly: ______ Effusion: ______ → none
Pneumothorax: ?? → Pneumothorax ?
Mass: per CT → none
Nodule: described above → none
# questions
Clinical Question: pneumothorax? Answer: No → Pneumothorax -
QUESTION: Is there pneumonia? ANSWER: Yes, in the left lower lobe. → Pneumonia +
Q: pneumothorax? A: No. → Pneumothorax -
QUESTION: r/o effusion ANSWER: none → Effusion -
Pneumonia? Yes. → Pneumonia +
Pneumonia? Unlikely. → Pneumonia ?
Effusion? Not seen. → Effusion -
Question: nodule on the left? Answer: No nodule. → Nodule -
# words
Right lung base collapse. → Atelectasis +
Left lower lobe collapse and consolidation. → Atelectasis +,Consolidation +
Collapse of the lingula. → Atelectasis +
Compression collapse of L1. → none
LLL atx, no ptx. → Atelectasis +,Pneumothorax -
Tiny L apical ptx. → Pneumothorax +
no pna → Pneumonia -
Pneumo resolved. → Pneumothorax -
Pneumomediastinum without pneumothorax. → Pneumothorax -
Effs are stable. → Effusion +
Pt received pneumovax. → none
Biapical pleural thickening, no pleural eff. → Pleural_Thickening +,Effusion -
The patient is seen in the nodule clinic. → none
Lung nodule screening program. → none
BLE edema. → none
# nobody's
Signed by Dr. Mass. → none
Signed electronically by John Hernia MD. → none
Attending physician: Dr. Nodule⏎No effusion. → Effusion -
cc: Dr. Edema → none
Patient name: Hernia, Maria⏎Lungs are clear. → none
ICD-10: J18.9 → none
ICD10 CODE: J93.0 Pneumothorax⏎FINDINGS: Lungs clear. → none
CPT: 71046. Dx: J90 effusion. → none
Key point: an effusion blunts the angle. → none
Note: pneumonia precautions apply. → none
The pneumonia protocol was not followed; small effusion. → Effusion +
According to the nodule guidelines, no follow-up is needed. → none
Discussed with Dr. Smith of the nodule clinic. → none
Sepsis bundle and pneumonia order set started. → none
# readers
Outside film read as showing a nodule. → none
The outside report mentions a pneumothorax. → none
Outside hospital radiograph was called pneumonia. → none
ED interpretation was pneumonia. → none
Initially called pneumonia by the ER. → none
The referring clinician suspected pneumonia; no consolidation is seen. → Consolidation -
The ED read of pneumothorax is not confirmed. → Pneumothorax -
The intern saw a pneumothorax, but none is present. → Pneumothorax -
AI flagged a nodule; this is a vessel. → none
Outside CT showed a nodule, which is again seen. → Nodule +
I read this as pneumonia. → Pneumonia +
This was reported to the ED as a pneumothorax. → Pneumothorax +
The pneumothorax was reported to the ER physician by phone. → Pneumothorax +
# past
There was a right effusion in January. → none
There was an effusion on 2/14. → none
There was a nodule in 2012. → none
There was interval development of a left effusion since March. → Effusion +
There was an increase in the effusion compared with last week. → Effusion +
Effusion in 2019 has resolved. → Effusion -
An effusion was present last month. → none
The pneumothorax was treated with a tube; none remains. → Pneumothorax -
Effusion was tapped yesterday, no residual. → Effusion -
The pneumonia was treated, and is now clear. → Pneumonia -
The mass was resected in 2018. → Mass -
Effusion drained; gone. → Effusion -
Previous drainage of an effusion. → none
Prior pigtail catheter for pneumothorax. → none
Hiatal hernia status post Nissen. → Hernia -
Hernia s/p repair. → Hernia -
Nodule s/p wedge resection. → Nodule -
New effusion since March. → Effusion +
Effusion is larger than in March. → Effusion +
Pneumonia in April, cleared since. → Pneumonia -
Compared to March, there is a new nodule. → Nodule +
Small effusion, unchanged since 2019. → Effusion +
# places
Soft tissue mass of the left shoulder. → none
Left arm mass. → none
Mass over the right thigh. → none
Right upper extremity edema. → none
Lung mass with a soft tissue mass of the arm. → Mass +
Soft tissue mass in the right upper lobe. → Mass +
The nodule is a vascular loop. → Nodule -
Density believed to be a nodule is the costal cartilage. → Nodule -
The apparent mass is simply the thymus. → Mass -
Opacity initially read as pneumonia is actually a breast shadow. → Pneumonia -
The opacity is believed to represent pneumonia. → Pneumonia +
# doubts
Pneumothorax is missing. → Pneumothorax -
Signs of edema are lacking. → Edema -
Pneumonia could not be substantiated. → Pneumonia -
The clinical suspicion of effusion is not borne out by this film. → Effusion -
We cannot say that there is no nodule. → Nodule ?
It is impossible to say there is no pneumothorax. → Pneumothorax ?
I cannot guarantee the absence of a nodule. → Nodule ?
There is no proof that there is no effusion. → Effusion ?
It would be wrong to say there is no effusion. → Effusion +
Not certain whether there is an effusion. → Effusion ?
# pronouns
No nodule on the right; one is seen on the left. → Nodule +
No effusion on the left. There is one on the right. → Effusion +
Effusion on the left has resolved, the one on the right persists. → Effusion +
A tube is in place; no pneumothorax. It is unchanged. → Pneumothorax -
Right effusion. Other findings: none seen. → Effusion +
Right effusion; none on the left. → Effusion +
Small pneumothorax. It has since resolved. → Pneumothorax -
The nodule and the effusion: neither is seen today. → Nodule -,Effusion -
# all kinds a third time
Effusion,Yes⏎Pneumothorax,No⏎Mass,No → Effusion +,Pneumothorax -,Mass -
Effusion |no⏎Nodule |yes → Effusion -,Nodule +
no effusion no infiltrate right lung nodule → Effusion -,Infiltration -,Nodule +
Pneumothorax none Mass none Effusion trace → Pneumothorax -,Mass -,Effusion +
no pneumothorax no effusion cardiac silhouette enlarged → Pneumothorax -,Effusion -,Cardiomegaly ?
1] no mass 2] moderate effusion → Mass -,Effusion +
a) no nodule b) moderate left effusion → Nodule -,Effusion +
No nodule | Moderate effusion → Nodule -,Effusion +
Hernia: ___⏎Nodule: none → Nodule -
Effusion: see prior report → none
Pneumonia: see CT dated 3/4. → none
QUESTION: pneumothorax? ANSWER: No pneumothorax. → Pneumothorax -
QUESTION: mass? ANSWER: Yes. → Mass +
Right basilar collapse without effusion. → Atelectasis +,Effusion -
Bibasilar atx with small effs. → Atelectasis +,Effusion +
No pneumo or pna. → Pneumothorax -,Pneumonia -
Mild cons at the left base. → Consolidation +
Electronically signed by: Dr. Robert Mass, MD → none
Approved by Dr Edema → none
Teaching point: hernias can look like masses. → none
Diagnosis code: R91.1 Nodule → none
Diagnosis codes: J90 Effusion; J93.9 Pneumothorax⏎IMPRESSION: No effusion. → Effusion -
Nodule protocol was used. → none
Edema protocol ordered. → none
Outside radiograph reported as pneumothorax. → none
Outside hospital film interpreted as effusion. → none
The ER read this as a nodule, but I disagree. → none
ED read this as pneumothorax; there is none. → Pneumothorax -
There was a mass in June. → none
There was a pneumothorax in 2018. → none
The pneumothorax was aspirated; none remains. → Pneumothorax -
Edema was treated; clear now. → Edema -
Prior chest tube for a pneumothorax. → none
Previous bronchoscopy for a mass. → none
Paraesophageal hernia status post repair. → Hernia -
Soft tissue mass of the right thigh. → none
Soft tissue nodule of the left hand. → none
Opacity thought to be a nodule is a rib end. → Nodule -
Density thought to be pneumonia is overlapping breast tissue. → Pneumonia -
Pneumothorax is lacking. → Pneumothorax -
Effusion is not borne out on the lateral view. → Effusion -
One cannot say there is no pneumothorax. → Pneumothorax ?
One cannot claim that there is no nodule. → Nodule ?
No pneumothorax on the left but there is one on the right. → Pneumothorax +
Heart normal, no effusion. → Cardiomegaly -,Effusion -
The ET tube has been withdrawn 2 cm. No pneumothorax. → Pneumothorax -
Lungs: ___ Pleura: no effusion → Effusion -
The patient was treated for pneumonia; the lungs are clear now. → none
Left lung collapse with large effusion. → Atelectasis +,Effusion +
In comparison with ___, the pneumothorax is smaller. → Pneumothorax +
AP chest compared to ___: Small left effusion is new. → Effusion +
As compared to the previous radiograph, the pre-existing effusion has decreased. → Effusion +
There is no relevant change. Moderate cardiomegaly without edema. → Cardiomegaly +,Edema -
In the interval, the patient has developed a right pneumothorax. → Pneumothorax +
Dr. ___ was notified of the pneumothorax at 3 pm. → Pneumothorax +
Dr. Smith was paged about the large effusion. → Effusion +
Findings of pneumothorax were discussed with Dr. ___ by telephone. → Pneumothorax +
Pneumothorax discussed with ED resident Dr. Jones. → Pneumothorax +
Interval removal of right chest tube with small residual pneumothorax. → Pneumothorax +
The resident was informed of the pneumothorax. → Pneumothorax +
This was called to the ER: large left pneumothorax. → Pneumothorax +
No pneumothorax was reported by the ED. → Pneumothorax -
Pneumonia suspected by the ED is seen in the right base. → Pneumonia +
Noted is a left effusion. → Effusion +
The thoracic spine is normal, no collapse. → none
Since last year a nodule has appeared. → Nodule +
Emergency intubation; new right lower lobe atelectasis noted. → Atelectasis +
Resident physician notified. Small effusion noted. → Effusion +
New overnight effusion noted. → Effusion +
The nodule corresponds to that on the CT of 2015. → Nodule +
Nodule, follow-up CT in June. → Nodule +
Nodule, first seen in 2015. → Nodule +
Pneumonia in March 2015. → none
Pneumonia two weeks ago. → none
Left effusion, repeat film in March. → Effusion +
Pneumothorax suspected by the ER is confirmed. → Pneumothorax +
# what begins a sentence denies all behind it
Not present - pneumothorax → Pneumothorax -
Absent - effusion, pneumothorax → Effusion -,Pneumothorax -
Absent are effusion and pneumothorax. → Effusion -,Pneumothorax -
Absent are effusion and pneumothorax, and edema is mild. → Effusion -,Pneumothorax -,Edema +
Not present are effusions, but there is edema. → Effusion -,Edema +
No longer seen is the effusion. → Effusion -
Absent - effusion, mild edema. → Effusion -,Edema +
Pneumothorax not present - effusion small → Pneumothorax -,Effusion +
Edema is absent - effusion persists. → Edema -,Effusion +
# names that share a colon
Effusion/pneumothorax: no/yes → Effusion -,Pneumothorax +
Effusion/pneumothorax: yes/no → Effusion +,Pneumothorax -
Effusion/pneumothorax: no → Effusion -,Pneumothorax -
Effusion/pneumothorax: no/no → Effusion -,Pneumothorax -
Effusion/edema: no/small; mass/nodule: yes/no → Effusion -,Edema +,Mass +,Nodule -
Effusion and edema: none and mild. → Effusion -,Edema +
Effusion: yes/no → Effusion ?
Effusion/pneumothorax/edema: no/yes → Effusion ?,Pneumothorax ?,Edema ?
# on one side alone
Right-sided effusion is not present while left-sided is. → Effusion +
A right effusion is not seen, whereas a left one is present. → Effusion +
Right-sided effusion is absent while left-sided is present. → Effusion +
Effusion is not present while left-sided atelectasis is. → Effusion -,Atelectasis +
Effusion is not seen and the right is clear. → Effusion -
`;
