/**
 * Small files as other programs write them, each with the right result of `raybox evaluate`: the score of the plain file with warnings about
 * what is unusual, or an error that names the fault.
 */

/** A file of a case, its content as text or bytes. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

export interface ScoreCase {
  name: string;
  /** Files of the data set that take the place of the plain ones, and predictions. */
  files: Files;
  /** Predictions, by name; default: the one file that is called `p.…`. */
  args?: readonly string[];
  /** What the refusal says. Without it the file is scored. */
  refused?: RegExp;
  /** The warnings. */
  says?: readonly RegExp[];
  /** There is no warning. */
  silent?: true;
  /** The mean AUC differs from that of the plain file. */
  differs?: true;
}

export const IMAGES = Array.from({ length: 12 }, (_, i) => `${String(i + 1).padStart(8, '0')}_000.png`);
const LABELS = ['Mass', 'Nodule', 'No Finding', 'Mass|Nodule'];
const MASS = [0.9, 0.2, 0.3, 0.6, 0.4, 0.5, 0.1, 0.8, 0.7, 0.25, 0.65, 0.55];
const NODULE = [0.1, 0.8, 0.2, 0.9, 0.35, 0.3, 0.4, 0.7, 0.6, 0.5, 0.15, 0.45];
export const SIZE = 64;

const rows = (row: (image: string, i: number) => string) => IMAGES.map(row);
const text = (header: string, row: (image: string, i: number) => string, end = '\n') =>
  [header, ...rows(row), ''].join(end);
const labelRow = (image: string, i: number) => `${image},${LABELS[i % 4]},12-000${1 + (i >> 1)},${i % 2}`;
const LABEL_HEADER = 'Image Index,Finding Labels,Patient ID,Follow-up #';
const plainRow = (image: string, i: number) => `${image},${MASS[i]},${NODULE[i]}`;
const PLAIN_HEADER = 'Image Index,Mass,Nodule';
const plain = text(PLAIN_HEADER, plainRow);
const probabilities = (i: number) => ({ Mass: MASS[i], Nodule: NODULE[i] });
const jsonLines = (line: (image: string, i: number) => unknown, end = '\n') =>
  rows((image, i) => JSON.stringify(line(image, i)) + end).join('');
const plainLine = (image: string, i: number) => ({ image, probabilities: probabilities(i) });

export const DATA: Files = {
  'Data_Entry_2017.csv': text(LABEL_HEADER, labelRow),
  'BBox_List_2017.csv': [
    'Image Index,Finding Label,Bbox [x,y,w,h],,,',
    `${IMAGES[0]},Mass,30,20,20,30`,
    `${IMAGES[4]},Mass,34,30,20,24`,
    `${IMAGES[1]},Nodule,40,8,12,40`,
    '',
  ].join('\n'),
};
export const PLAIN: Files = { 'p.csv': plain };

const utf16 = (content: string) => {
  const bytes = new Uint8Array(2 + 2 * content.length).fill(0);
  bytes.set([0xff, 0xfe]);
  for (let i = 0; i < content.length; i++) new DataView(bytes.buffer).setUint16(2 + 2 * i, content.charCodeAt(i), true);
  return bytes;
};
const windows1252 = (content: string) => Uint8Array.from(content, (character) => character.charCodeAt(0));

const csv = (name: string, content: string | Uint8Array, rest: Partial<ScoreCase>): ScoreCase => ({
  name: `CSV: ${name}`,
  files: { 'p.csv': content },
  ...rest,
});
const value = (name: string, of: string, rest: Partial<ScoreCase>) =>
  csv(
    `value ${name}`,
    text(PLAIN_HEADER, (image, i) => (i === 4 ? `${image},${of},0.1` : plainRow(image, i))),
    rest,
  );
const lines = (name: string, content: string, rest: Partial<ScoreCase>): ScoreCase => ({
  name: `JSON lines: ${name}`,
  files: { 'p.jsonl': content },
  ...rest,
});
const data = (name: string, files: Files, rest: Partial<ScoreCase>): ScoreCase => ({
  name: `data: ${name}`,
  files: { 'p.csv': plain, ...files },
  ...rest,
});

const BAD_VALUE = /p\.csv: row 6: Mass of 00000005_000\.png should be a probability/;

const CSV_CASES: ScoreCase[] = [
  csv('plain', plain, { silent: true }),
  csv(
    'a misspelled column',
    text('Image Index,Mass,Nodule,Pneumotorax', (image, i) => `${plainRow(image, i)},0.5`),
    {
      says: [/"Pneumotorax" \(did you mean Pneumothorax\?\)/],
    },
  ),
  csv(
    'a class twice',
    text('Image Index,Mass,Nodule,Mass', (image, i) => `${plainRow(image, i)},0.5`),
    {
      refused: /two columns mean Mass/,
    },
  ),
  csv('other case', text('image index,MASS,nodule', plainRow), { says: [/"MASS" as Mass, "nodule" as Nodule/] }),
  csv(
    'a label column',
    text('image,label,Mass,Nodule', (image, i) => `${image},Mass,${MASS[i]},${NODULE[i]}`),
    {
      says: [/not used: "label"/],
    },
  ),
  csv(
    'truth beside predictions',
    text('image,Mass_true,Mass_pred,Nodule_true,Nodule_pred', (image, i) => `${image},1,${MASS[i]},0,${NODULE[i]}`),
    {
      says: [/"Mass_pred" as Mass/, /not used: "Mass_true", "Nodule_true"/],
    },
  ),
  csv('byte-order mark and CRLF', `\ufeff${text(PLAIN_HEADER, plainRow, '\r\n')}`, { silent: true }),
  csv('semicolons', plain.replaceAll(',', ';'), { refused: /p\.csv.*semicolons/ }),
  csv('semicolons and decimal commas', plain.replaceAll(',', ';').replaceAll('0.', '0,'), {
    refused: /p\.csv.*semicolons/,
  }),
  csv('tabs', plain.replaceAll(',', '\t'), { refused: /p\.csv.*tabs/ }),
  { name: 'CSV: ending .tsv', files: { 'p.tsv': plain.replaceAll(',', '\t') }, refused: /p\.tsv.*\.csv/ },
  csv('UTF-16', utf16(plain), { refused: /p\.csv is not UTF-8.*UTF-16/ }),
  csv(
    'Windows-1252',
    windows1252(text('Image Index,Mass,Nodule,N\u00e9ant', (image, i) => `${plainRow(image, i)},0`)),
    {
      refused: /p\.csv is not UTF-8.*Save it as UTF-8/,
    },
  ),
  csv(
    'a quoted line end',
    text('Image Index,note,Mass,Nodule', (image, i) => `${image},"a\n""b"", c",${MASS[i]},${NODULE[i]}`),
    {
      says: [/not used: "note"/],
    },
  ),
  csv('a blank line, a comma at each end', plain.replaceAll('\n', ',\n\n'), { silent: true }),
  csv(
    'an index column of pandas',
    text(',Image Index,Mass,Nodule', (image, i) => `${i},${plainRow(image, i)}`),
    {
      silent: true,
    },
  ),
  csv('no header', rows(plainRow).join('\n'), { refused: /p\.csv.*header/ }),
  csv('a comment before the header', `# model 3\n${plain}`, { refused: /p\.csv.*header|p\.csv.*# model 3/ }),
  csv(
    'paths',
    text(PLAIN_HEADER, (image, i) => `/data/images_001/${plainRow(image, i)}`),
    { silent: true },
  ),
  csv(
    'paths of Windows',
    text(PLAIN_HEADER, (image, i) => `C:\\data\\${plainRow(image, i)}`),
    { silent: true },
  ),
  csv(
    'names without ending',
    text(PLAIN_HEADER, (image, i) => plainRow(image.slice(0, -4), i)),
    {
      refused: /No predicted image is in the label file.*compared with their endings/,
    },
  ),
  csv(
    'names in capitals',
    text(PLAIN_HEADER, (image, i) => plainRow(image.replace('png', 'PNG'), i)),
    {
      refused: /compared with their endings/,
    },
  ),
  csv(
    'zeros dropped by a spreadsheet',
    text(PLAIN_HEADER, (image, i) => plainRow(image.replace(/^0+/, ''), i)),
    {
      refused: /zeros/,
    },
  ),
  csv('a short row', `${plain}x.png,0.5\n`, { refused: /row 14: Nodule of x\.png.*nothing/ }),
  csv('an image twice, other values', `${plain}${IMAGES[0]},0.1,0.1\n`, { refused: /row 14: .*listed twice/ }),
  csv('an image twice, same values', `${plain}${plainRow(IMAGES[0], 0)}\n`, { refused: /row 14: .*listed twice/ }),
  csv('images missing', [PLAIN_HEADER, ...rows(plainRow).slice(0, 9)].join('\n'), {
    says: [/3 images to score have no prediction: "00000010_000\.png"/],
    differs: true,
  }),
  csv('images too many', `${plain}x.png,0.5,0.5\ny.png,0.1,0.1\n`, {
    says: [/2 predicted images are not in the label file and were not scored: "x\.png", "y\.png"/],
  }),
  csv('probabilities called logits', plain, {
    args: ['--logits'],
    says: [/logits.*\[0, 1\]|logits.*probabilities/i],
  }),
  csv(
    'logits called probabilities',
    text(PLAIN_HEADER, (image, i) => `${image},${MASS[i] - 0.5},${NODULE[i]}`),
    {
      refused: /Mass of 00000002_000\.png.*--logits/,
    },
  ),
  csv(
    'two names of the image that differ',
    text('image,file_name,Mass,Nodule', (image, i) => `${image},${IMAGES[11 - i]},${MASS[i]},${NODULE[i]}`),
    {
      refused: /row 2: .*image.*file_name/,
    },
  ),
  csv(
    'two names of the image that agree',
    text('image,path,Mass,Nodule', (image, i) => `${image},images/${image},${MASS[i]},${NODULE[i]}`),
    {},
  ),
  value('NaN', 'NaN', { refused: BAD_VALUE }),
  value('infinite', '-inf', { refused: BAD_VALUE }),
  value('empty', '', { refused: BAD_VALUE }),
  value('percent', '87%', { refused: BAD_VALUE }),
  value('of percent', '87.5', { refused: /row 6: Mass.*(?:percent|100)/ }),
  value('with a decimal comma', '"0,5"', { refused: BAD_VALUE }),
  value('with a decimal comma, unquoted', '0,5', { refused: /row 6: 4 fields where the header has 3 columns/ }),
  value('NA of R', 'NA', { refused: BAD_VALUE }),
  value('-1, CheXpert’s for uncertain', '-1', { refused: BAD_VALUE }),
  value('1e-3', '4e-1', { silent: true, differs: true }),
];

const boxLine = (findings: unknown, rest: object = {}) =>
  jsonLines((image, i) => ({ ...plainLine(image, i), ...(i === 0 ? { findings, ...rest } : {}) }));
const box = { x: 30, y: 20, width: 20, height: 30 };

const LINE_CASES: ScoreCase[] = [
  lines('plain', jsonLines(plainLine), { silent: true }),
  lines('byte-order mark and CRLF', `\ufeff${jsonLines(plainLine, '\r\n')}`, { silent: true }),
  lines(
    'a class in two spellings',
    jsonLines((image, i) => ({ image, probabilities: { ...probabilities(i), mass: 0 } })),
    {
      refused: /mean Mass: "Mass", "mass"/,
    },
  ),
  lines(
    'a list of probabilities',
    jsonLines((image) => ({ image, probabilities: [0.1, 0.2] })),
    {
      refused: /line 1.*numbers by label/,
    },
  ),
  lines(
    'null for a probability',
    jsonLines((image) => ({ image, probabilities: { Mass: null } })),
    {
      refused: /line 1.*Mass/,
    },
  ),
  lines('a JSON array', JSON.stringify(IMAGES.map(plainLine)), { refused: /p\.jsonl.*line 1.*(?:list|array)/ }),
  lines('JSON over several lines', JSON.stringify(IMAGES.map(plainLine), null, 2), { refused: /p\.jsonl.*line 1/ }),
  lines('a comma behind each line', jsonLines(plainLine, ',\n'), { refused: /p\.jsonl: line 1 is not JSON/ }),
  lines(
    'image and file that differ',
    jsonLines((image, i) => ({ ...plainLine(image, i), file: `a/${IMAGES[11 - i]}` })),
    {
      refused: /line 1.*image.*file/,
    },
  ),
  lines(
    'image and file that agree',
    jsonLines((image, i) => ({ ...plainLine(image, i), file: `a/${image}` })),
    {
      silent: true,
    },
  ),
  lines('a finding of no class', boxLine([{ label: 'Masss', score: 1, box }]), {
    says: [/not scored: "Masss"/],
  }),
  lines('a point outside', boxLine([{ label: 'Mass', score: 1, box }], { points: { Mass: [900, 40] } }), {
    refused: /point of Mass.*00000001_000\.png/,
  }),
  lines('a point inside', boxLine([{ label: 'Mass', score: 1, box }], { points: { Mass: [40, 40] } }), {
    silent: true,
  }),
  lines('a box without area', boxLine([{ label: 'Mass', score: 1, box: { ...box, width: 0 } }]), {
    refused: /line 1: no box/,
  }),
  lines('a negative size', boxLine([], { width: -64, height: 64 }), { refused: /line 1: width/ }),
  lines('one side of the size', boxLine([{ label: 'Mass', score: 1, box }], { width: 64 }), {
    refused: /line 1.*height/,
  }),
];

const coco = (name: string, content: unknown, rest: Partial<ScoreCase>): ScoreCase => ({
  name: `COCO: ${name}`,
  files: { 'p.json': typeof content === 'string' ? content : JSON.stringify(content) },
  differs: true,
  ...rest,
});
const cocoImages = (rest: object = {}) =>
  IMAGES.map((file_name, i) => ({ id: i + 1, file_name, width: SIZE, height: SIZE, ...rest }));
const categories = ['Mass', 'Nodule'].map((name, i) => ({ id: i + 1, name }));
const result = (i: number, bbox: unknown, rest: object = {}) => ({
  ...{ image_id: i + 1, category_id: 1, bbox, score: MASS[i] },
  ...rest,
});
const annotations = [
  result(0, [30, 20, 20, 30]),
  result(4, [34, 30, 20, 24]),
  result(1, [40, 8, 12, 40], { category_id: 2 }),
];
const cocoFile = (rest: object = {}) => ({ images: cocoImages(), categories, annotations, ...rest });

const COCO_CASES: ScoreCase[] = [
  coco('plain', cocoFile(), { silent: true }),
  coco('categories in other case', cocoFile({ categories: [{ id: 1, name: 'MASS' }, categories[1]] }), {
    says: [/"MASS" as Mass/],
  }),
  coco('one class as two categories', cocoFile({ categories: [...categories, { id: 3, name: 'mass' }] }), {
    refused: /p\.json.*Mass.*mass/,
  }),
  coco('an id twice', cocoFile({ images: [...cocoImages(), { id: 1, file_name: 'x.png' }] }), {
    refused: /p\.json: image id 1 is given twice/,
  }),
  coco('a result of no image', cocoFile({ annotations: [result(40, [1, 2, 3, 4])] }), {
    refused: /result 1 belongs to no image/,
  }),
  coco('categories that count from 0', cocoFile({ annotations: [result(0, [1, 2, 3, 4], { category_id: 0 })] }), {
    refused: /belongs to no category.*category_id 0/,
  }),
  coco('a bare list', annotations, { refused: /result 1 belongs to no image.*annotation file/ }),
  coco(
    'segmentations',
    cocoFile({ annotations: [{ image_id: 1, category_id: 1, segmentation: [[1, 2, 3, 4, 5, 6]], score: 1 }] }),
    {
      refused: /result 1 has no box/,
    },
  ),
  coco('cut', JSON.stringify(cocoFile()).slice(0, -20), { refused: /p\.json is not JSON/ }),
  coco('scores as text', cocoFile({ annotations: [result(0, [1, 2, 3, 4], { score: '0.5' })] }), {
    refused: /result 1/,
  }),
  coco(
    'scores in percent',
    cocoFile({ annotations: annotations.map((each) => ({ ...each, score: 100 * each.score })) }),
    {
      says: [/percent/],
    },
  ),
  coco('two images of one name', cocoFile({ images: [...cocoImages(), { id: 99, file_name: `b/${IMAGES[0]}` }] }), {
    refused: /two images of one name/,
  }),
  coco('boxes as fractions', cocoFile({ annotations: [result(0, [0.1, 0.2, 0.3, 0.4])] }), { refused: /fractions/ }),
  coco(
    'ids as text',
    cocoFile({ annotations: annotations.map((each) => ({ ...each, image_id: String(each.image_id) })) }),
    {
      says: [/image ids are numbers in one place and text in the other/],
    },
  ),
];

const boxes = (
  name: string,
  header: string,
  row: (image: string, i: number) => string | undefined,
  rest: Partial<ScoreCase>,
) => ({
  name: `boxes: ${name}`,
  files: { 'p.csv': plain, 'b.csv': [header, ...IMAGES.flatMap((image, i) => row(image, i) ?? []), ''].join('\n') },
  args: ['--predictions', 'p.csv', 'b.csv'],
  ...rest,
});
const PUBLISHED = 'Image Index,Finding Label,Bbox [x,y,w,h],,,';
const numbers = (i: number) => (i < 2 ? '30,20,20,30' : undefined);
const boxRow = (image: string, i: number) => numbers(i) && `${image},Mass,${numbers(i)},${MASS[i]}`;

const BOX_CASES: ScoreCase[] = [
  boxes('a score in the last column', 'Image Index,Finding Label,Bbox [x,y,w,h],,,,Score', boxRow, { silent: true }),
  boxes('a score right behind the box', 'Image Index,Finding Label,Bbox [x,y,w,h],Score', boxRow, { silent: true }),
  boxes(
    'a score before the box',
    'Image Index,Finding Label,Score,Bbox [x,y,w,h],,,',
    (image, i) => numbers(i) && `${image},Mass,${MASS[i]},${numbers(i)}`,
    {
      silent: true,
    },
  ),
  boxes(
    'a score first',
    'Score,Image Index,Finding Label,"Bbox [x,y,w,h]",,,',
    (image, i) => numbers(i) && `${MASS[i]},${image},Mass,${numbers(i)}`,
    {
      silent: true,
    },
  ),
  boxes(
    'score and probability',
    'image,label,x,y,w,h,score,probability',
    (image, i) => boxRow(image, i) && `${boxRow(image, i)},0.5`,
    {
      says: [/b\.csv.*"score".*(?:"probability" was not used|not used: "probability")/],
    },
  ),
  boxes('no score', PUBLISHED, (image, i) => numbers(i) && `${image},Mass,${numbers(i)}`, { says: [/score of 1/] }),
  boxes(
    'scores in percent',
    'image,label,x,y,w,h,score',
    (image, i) => numbers(i) && `${image},Mass,${numbers(i)},${100 * MASS[i]}`,
    {
      says: [/percent/],
    },
  ),
  boxes(
    'numbers for classes',
    'image,label,x,y,w,h,score',
    (image, i) => numbers(i) && `${image},4,${numbers(i)},0.5`,
    {
      says: [/not scored: "4"/],
    },
  ),
  boxes(
    'No Finding',
    'image,label,x,y,w,h,score',
    (image, i) => numbers(i) && `${image},No Finding,${numbers(i)},0.5`,
    {
      says: [/not scored: "No Finding"/],
    },
  ),
  boxes('decimal commas', 'image,label,x,y,w,h,score', (image, i) => numbers(i) && `${image},Mass,"1,5",2,3,4,0.5`, {
    refused: /b\.csv: row 2: no box/,
  }),
  boxes(
    'two names of the image that differ',
    'image,file_name,label,x,y,w,h,score',
    (image, i) => numbers(i) && `${image},${IMAGES[11 - i]},Mass,${numbers(i)},0.5`,
    {
      refused: /b\.csv: row 2.*image.*file_name/,
    },
  ),
  boxes(
    'corners under the published header',
    'Image Index,Finding Label,Bbox [x,y,w,h],,,,Score',
    (image) => `${image},Mass,30,20,50,50,0.5`,
    {
      refused: /corners/,
    },
  ),
];

const DATA_CASES: ScoreCase[] = [
  data(
    'semicolons in the label file',
    { 'Data_Entry_2017.csv': text(LABEL_HEADER, labelRow).replaceAll(',', ';') },
    {
      refused: /Data_Entry_2017\.csv.*semicolons/,
    },
  ),
  data(
    'labels in other case',
    { 'Data_Entry_2017.csv': text(LABEL_HEADER, labelRow).replaceAll(',Mass', ',mass') },
    {
      says: [/labels were taken for classes: "mass" as Mass/],
    },
  ),
  data(
    'labels separated by semicolons',
    { 'Data_Entry_2017.csv': text(LABEL_HEADER, labelRow).replaceAll('|', ';') },
    {
      refused: /Data_Entry_2017\.csv: row 5: unknown finding label "Mass;Nodule"/,
    },
  ),
  data(
    'a bar behind the labels',
    { 'Data_Entry_2017.csv': text(LABEL_HEADER, labelRow).replaceAll('Mass|Nodule', 'Mass|Nodule|') },
    {
      refused: /row 5: unknown finding label ""/,
    },
  ),
  data(
    'a label and No Finding',
    { 'Data_Entry_2017.csv': text(LABEL_HEADER, labelRow).replace('Mass', 'Mass|No Finding') },
    {
      refused: /row 2.*No Finding/,
    },
  ),
  data(
    'Windows-1252 in the label file',
    { 'Data_Entry_2017.csv': windows1252(text(`${LABEL_HEADER},caf\u00e9`, labelRow)) },
    {
      refused: /Data_Entry_2017\.csv is not UTF-8/,
    },
  ),
  data(
    'an image twice',
    { 'Data_Entry_2017.csv': text(LABEL_HEADER, labelRow) + labelRow(IMAGES[0], 1) },
    {
      refused: /row 14: 00000001_000\.png is listed twice/,
    },
  ),
  data(
    'a column twice',
    { 'Data_Entry_2017.csv': text(`${LABEL_HEADER},Patient ID`, labelRow) },
    {
      refused: /two columns are called "Patient ID"/,
    },
  ),
  data(
    'no patient',
    { 'Data_Entry_2017.csv': text(LABEL_HEADER, labelRow).replace('12-0002', '') },
    {
      refused: /row 4: 00000003_000\.png has no patient/,
    },
  ),
  data(
    'a column per class',
    { 'Data_Entry_2017.csv': text('Image Index,Patient ID,Mass,Nodule', (image, i) => `${image},1,1,${i % 2}`) },
    {
      refused: /a column is missing.*"Finding Labels"/,
    },
  ),
  data(
    'a list with columns',
    { 'l.csv': text('Image Index,split', (image) => `${image},test`) },
    {
      args: ['--test', 'l.csv'],
      says: [/columns beside the image’s name were ignored/],
    },
  ),
  data(
    'a list without endings',
    { 'l.txt': rows((image) => image.slice(0, -4)).join('\n') },
    {
      args: ['--test', 'l.txt'],
      refused: /compared with their endings/,
    },
  ),
  data(
    'a list of two images a line',
    { 'l.txt': `${IMAGES[0]} ${IMAGES[1]}\n` },
    {
      args: ['--test', 'l.txt'],
      refused: /l\.txt: line 1: more than one image/,
    },
  ),
  data('an empty list', { 'l.txt': '\n' }, { args: ['--test', 'l.txt'], refused: /l\.txt.*no image/ }),
  data('an empty validation list', { 'l.txt': '' }, { args: ['--validation', 'l.txt'], refused: /l\.txt.*no image/ }),
  data('a list in UTF-16', { 'l.txt': utf16(IMAGES.join('\n')) }, { args: ['--test', 'l.txt'], refused: /UTF-16/ }),
  data(
    'an image to score and to fit on',
    { 'l.txt': IMAGES.slice(0, 7).join('\n'), 't.txt': IMAGES.slice(6).join('\n') },
    {
      args: ['--validation', 'l.txt', '--test', 't.txt'],
      says: [/1 image is in the test and in the validation list/],
      differs: true,
    },
  ),
  data(
    'a patient to score and to fit on',
    { 'l.txt': IMAGES.slice(0, 7).join('\n') },
    {
      args: ['--validation', 'l.txt'],
      says: [/1 patient .*12-0004/],
      differs: true,
    },
  ),
  data(
    'a list that a spreadsheet cut zeros from',
    { 'l.txt': rows((image) => image.replace(/^0+/, '')).join('\n') },
    {
      args: ['--test', 'l.txt'],
      refused: /zeros/,
    },
  ),
  data(
    'thresholds of no class',
    { 't.json': '{"Masss":0.5}' },
    {
      args: ['--operating-thresholds', 't.json'],
      refused: /t\.json: Masss is not a class/,
    },
  ),
  data(
    'corners as truth boxes',
    { 'BBox_List_2017.csv': [PUBLISHED, ...rows((image) => `${image},Mass,30,20,50,50`)].join('\n') },
    {
      refused: /corners/,
    },
  ),
];

/** Options that would have no effect, and empty files. They are refused and not ignored. */
const ASKED_CASES: ScoreCase[] = [
  csv('an empty file', '', { refused: /p\.csv/ }),
  csv('a header alone', `${PLAIN_HEADER}\n`, { refused: /p\.csv/ }),
  boxes('a header alone', PUBLISHED, () => undefined, { says: [/b\.csv holds no predictions/] }),
  lines('an empty file', '', { refused: /p\.jsonl/ }),
  lines(
    'classes as keys',
    jsonLines((image, i) => ({ image, ...probabilities(i) })),
    { refused: /Mass.*probabilities/ },
  ),
  lines(
    'nothing for one image',
    jsonLines((image, i) => (i === 3 ? { image } : plainLine(image, i))),
    { refused: /00000004_000\.png has .*no probabilities/ },
  ),
  coco('an empty object', {}, { refused: /p\.json/ }),
  coco('an empty list', [], { refused: /p\.json/ }),
  coco('scores by image', Object.fromEntries(IMAGES.map((image, i) => [image, probabilities(i)])), {
    refused: /p\.json.*"images"/,
  }),
  coco('a box before the edge', cocoFile({ annotations: [result(0, [-5, 20, 20, 30]), ...annotations.slice(1)] }), {
    says: [/1 image has predicted boxes that reach beyond an edge/],
  }),
  coco('a score for some', cocoFile({ annotations: [annotations[0], { ...annotations[1], score: undefined }] }), {
    refused: /result 2 has no score/,
  }),
  coco(
    'paths of Windows',
    cocoFile({ images: cocoImages().map((each) => ({ ...each, file_name: `C:\\x\\${each.file_name}` })) }),
    { silent: true },
  ),
  csv(
    'an index column with a name',
    text('Unnamed: 0,Image Index,Mass,Nodule', (image, i) => `${i},${plainRow(image, i)}`),
    { says: [/not used: "Unnamed: 0"/] },
  ),
  csv('old line ends', text('"Image Index",Mass,Nodule', plainRow, '\r'), { silent: true }),
  csv('a byte-order mark before a quote', `\ufeff"Image Index","Mass","Nodule"\n${rows(plainRow).join('\n')}`, {
    silent: true,
  }),
  csv(
    'a class in two spellings',
    text('Image Index,Mass,Nodule,mass', (image, i) => `${plainRow(image, i)},0.5`),
    { refused: /two columns mean Mass: "Mass", "mass"/ },
  ),
  csv(
    'No Finding alone',
    text('Image Index,No Finding', (image) => `${image},0.5`),
    { refused: /names no class/ },
  ),
  data(
    'two files of probabilities',
    { 'q.csv': plain },
    {
      args: ['--predictions', 'p.csv', 'q.csv'],
      refused: /00000001_000\.png has probabilities in two sources/,
    },
  ),
  data('a class asked for twice', {}, { args: ['--classes', 'Mass,Nodule,Mass'], refused: /Mass.*twice/ }),
  data('a class asked for in other case', {}, { args: ['--classes', 'mass'], refused: /mass is not a class/ }),
  data(
    'a split and a list',
    { 'l.txt': IMAGES[0] },
    { args: ['--split', '1', '--validation', 'l.txt'], refused: /--split/ },
  ),
  data('a sensitivity and nothing to fit on', {}, { args: ['--sensitivity', '0.9'], refused: /--sensitivity/ }),
  data('an index beside a table', { 'i.json': '{}' }, { args: ['--coco-index', 'i.json'], refused: /--coco-index/ }),
  {
    name: 'options: --logits beside JSON lines',
    files: { 'p.jsonl': jsonLines(plainLine) },
    args: ['--logits'],
    refused: /--logits/,
  },
  data(
    'thresholds in percent',
    { 't.json': '{"Mass":50}' },
    { args: ['--operating-thresholds', 't.json'], refused: /t\.json/ },
  ),
  data(
    'no label',
    { 'Data_Entry_2017.csv': text(LABEL_HEADER, labelRow).replace('Mass', '') },
    {
      refused: /row 2: unknown finding label ""/,
    },
  ),
  data(
    'labels in UTF-16',
    { 'Data_Entry_2017.csv': utf16(text(LABEL_HEADER, labelRow)) },
    {
      refused: /Data_Entry_2017\.csv is not UTF-8.*UTF-16/,
    },
  ),
  data(
    'patients as numbers in some rows',
    {
      'Data_Entry_2017.csv': text(LABEL_HEADER, (image, i) => `${image},${LABELS[i % 4]},${i < 6 ? '13' : '13.0'},0`),
    },
    { says: [/"13", "13\.0"/] },
  ),
  data('a label file without rows', { 'Data_Entry_2017.csv': `${LABEL_HEADER}\n` }, { refused: /label file is empty/ }),
  data(
    'truth boxes of no image',
    {
      'BBox_List_2017.csv': `${PUBLISHED}\nx.png,Mass,1,2,3,4\n${IMAGES[0]},Mass,30,20,20,30\n${IMAGES[0]},Mass,30,20,20,30\n`,
    },
    {
      says: [/1 image with truth boxes is not in the label file: "x\.png"/, /a row that comes again was counted once/],
    },
  ),
];

export const SCORE_CASES: readonly ScoreCase[] = [
  ...CSV_CASES,
  ...LINE_CASES,
  ...COCO_CASES,
  ...BOX_CASES,
  ...DATA_CASES,
  ...ASKED_CASES,
];
