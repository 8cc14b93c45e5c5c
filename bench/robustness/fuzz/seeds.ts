/** Small good inputs for every parser, with all features that the parser knows. raybox's own writers make them if there is one. */

import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { boxFile, labelFile, type PhantomRow } from '../../../src/cli/phantom/tables.js';
import { csvLine } from '../../../src/formats/csv.js';
import { writeBoxList } from '../../../src/formats/data_sets/chestxray.js';
import { toCoco } from '../../../src/formats/data_sets/coco.js';
import type { Prediction } from '../../../src/formats/findings.js';
import { encodePng } from '../../../src/formats/images/png.js';
import type { Checkpoint, TensorData } from '../../../src/formats/weights/checkpoint.js';
import { int8File } from '../../../src/formats/weights/quantize_int8.js';
import { readSafetensors, writeSafetensors } from '../../../src/formats/weights/safetensors.js';
import { formatWeightsMetadata, type WeightsMetadata } from '../../../src/formats/weights/weights.js';
import { createGraph } from '../../../src/graph/ir/graph.js';
import { product } from '../../../src/graph/ir/tensor.js';
import { architectureMetadata } from '../../../src/nets/architecture.js';
import { buildNetwork, describeGraph, networkOf } from '../../../src/nets/index.js';
import { drawPhantom } from '../../../src/phantom/index.js';
import { writeCheckpoint } from '../../../src/train/checkpoint.js';
import type { TrainSettings } from '../../../src/train/settings.js';
import { extendedWebp, gif, pictures, turnedAvif } from '../../../test/support/pictures.js';
import { END_CHUNK, headerChunk, pixelChunk, pngOf } from './images.js';
import { bytesOf } from './text.js';

const fixture = (name: string, folder = 'torch-checkpoints') =>
  new Uint8Array(readFileSync(new URL(`../../../../test/fixtures/${folder}/${name}`, import.meta.url)));

const CHECKPOINTS = ['every_type.pth', 'every_type_protocol4.pth', 'beside.pth'];
export const TORCH_ZIPS = () => [...CHECKPOINTS.map((name) => fixture(name)), fixture('resnet.pth', 'torch-modules')];
export const TORCH_STREAMS = () => [
  ...['every_type.pth.tar', 'old_names.pth.tar'].map((name) => fixture(name)),
  fixture('resnet_stream.pth', 'torch-modules'),
];
export const SAVED_NETWORKS = () => ['resnet.pth', 'torchxrayvision.pt'].map((name) => fixture(name, 'torch-modules'));

export const KERAS_FILES = () =>
  ['functional.h5', 'newer.h5', 'sequential.keras', 'functional.keras'].map((name) => fixture(name, 'keras'));

/** An image of each format that only browsers decode, with rotations and animations. */
export async function browserPictures(): Promise<Uint8Array[]> {
  const { WebP, AVIF, ...rest } = await pictures();
  const webps = [WebP, extendedWebp(WebP, { orientation: 6 }), extendedWebp(WebP, { pictures: 2 })];
  return [...Object.values(rest), gif(2), ...webps, AVIF, turnedAvif(AVIF)];
}

/** Images in grey, in colour and with alpha, of 8 and 16 bits. Those with palettes, fewer bits and interlaced rows are made by hand. */
export async function pngs(): Promise<Uint8Array[]> {
  const [width, height] = [13, 9];
  const ramp = (count: number) => Array.from({ length: count }, (_, i) => i * 7);
  const encoded = ([1, 3, 4] as const).flatMap((channels) =>
    [Uint8Array, Uint16Array].map((Pixels) =>
      encodePng({ data: Pixels.from(ramp(width * height * channels)), width, height, channels }),
    ),
  );
  const rows = (rowBytes: number, filter: number) =>
    Uint8Array.from({ length: height * (rowBytes + 1) }, (_, i) => (i % (rowBytes + 1) === 0 ? filter : i & 3));
  const palette = { type: 'PLTE', data: Uint8Array.from(ramp(12)) };
  const alpha = { type: 'tRNS', data: Uint8Array.of(0, 255, 128) };
  // The seven passes of 8 × 8 pixels have rows of 1, 1, 2, 2, 4, 4 and 8 pixels, and 1, 1, 1, 2, 2, 4 and 4 rows.
  const passes = [1, 1, 2, 2, 2, 4, 4, 4, 4, 4, 4, 8, 8, 8, 8].flatMap((pixels) => [0, ...ramp(pixels)]);
  return [
    ...(await Promise.all(encoded)),
    pngOf([headerChunk(width, height, 8, 3), palette, alpha, pixelChunk(rows(width, 0)), END_CHUNK]),
    pngOf([headerChunk(width, height, 2, 3), palette, pixelChunk(rows(4, 0)), END_CHUNK]),
    pngOf([headerChunk(width, height, 1, 0), pixelChunk(rows(2, 0)), END_CHUNK]),
    pngOf([headerChunk(width, height, 4, 0), pixelChunk(rows(7, 2)), END_CHUNK]),
    pngOf([headerChunk(width, height, 8, 4), pixelChunk(rows(2 * width, 4)), END_CHUNK]),
    pngOf([headerChunk(8, 8, 8, 0, 1), pixelChunk(Uint8Array.from(passes)), END_CHUNK]),
  ];
}

// 19 × 17 pixels by libjpeg: baseline with and without subsampling, progressive, grey, and Adobe CMYK.
const LIBJPEG = [
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYV' +
    'pQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAAR' +
    'ABMDASIAAhEBAxEB/8QAFwABAQEBAAAAAAAAAAAAAAAAAAUEBv/EACMQAAECBQMFAAAAAAAAAAAAAAABEQIEBSJBEjFxAxMhMmH/xAAYAQADAQ' +
    'EAAAAAAAAAAAAAAAAEBQYAB//EACERAAECBQUBAAAAAAAAAAAAAAABBQIDESExExQiQVFh/9oADAMBAAIRAxEAPwDjpOma4mZvD7FSCl9vTl/h' +
    'WlpBU2RU4KfQkVVndeRRNcJOisKw8vambnBapcgw0+1LQdZDT7UtAq3v0p0cLZMsvgpy+AAScc7bujfD6oAAIpkwf//Z',
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYV' +
    'pQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAAR' +
    'ABMDAREAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAABAUG/8QAIxAAAQIFAwUAAAAAAAAAAAAAAQARAgQFIkESMXEDEyEyYf/EABkBAAIDAQ' +
    'AAAAAAAAAAAAAAAAQFAQMHAv/EACIRAAEEAQMFAQAAAAAAAAAAAAABAgQRAxIUIQUiMTJxQf/aAAwDAQACEQMRAD8Ax0nTNcTM3h9lXGZuXqzV' +
    'XFkYJVIVIKX29OX+KnqGHa6e67v8HsSVqFw0+0WpSucctkcC5aQI2BHC53T2LbFr4ZbHkWU+hIks7nlDZpb8nu5V+qPo2dEHQ0+0WoNc43bI4C' +
    'y+Fa8zuOU5fCFePY4+H1CHUbt8H//Z',
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYV' +
    'pQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wgARCAAR' +
    'ABMDASIAAhEBAxEB/8QAFwABAQEBAAAAAAAAAAAAAAAAAAQFA//EABgBAAMBAQAAAAAAAAAAAAAAAAMEBQAG/9oADAMBAAIQAxAAAAHGqrqT0D' +
    'WK0+VIHnaAGn//xAAaEAACAgMAAAAAAAAAAAAAAAAAAgETAxAR/9oACAEBAAEFAkxlXCsVCEKxRdf/xAAXEQEBAQEAAAAAAAAAAAAAAAAEABAU' +
    '/9oACAEDAQE/ATouiPn/xAAbEQACAQUAAAAAAAAAAAAAAAAAAhEEEBITIf/aAAgBAgEBPwFqhMIjpuHt/8QAFBABAAAAAAAAAAAAAAAAAAAAMP' +
    '/aAAgBAQAGPwIf/8QAGRAAAgMBAAAAAAAAAAAAAAAAAAEQITER/9oACAEBAAE/IerFQKmS6pkiw//aAAwDAQACAAMAAAAQ6BfB/8QAGREAAgMB' +
    'AAAAAAAAAAAAAAAAAAERITFB/9oACAEDAQE/EHSrFTTkWH//xAAYEQACAwAAAAAAAAAAAAAAAAARcQABEP/aAAgBAgEBPxAxZhj6/8QAGxAAAg' +
    'IDAQAAAAAAAAAAAAAAAAERITFBYXH/2gAIAQEAAT8QpoipwdieFAPWE14OcTL9KA0NDAf/2Q==',
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYV' +
    'pQYEpRUk//wAALCAARABMBAREA/8QAFgABAQEAAAAAAAAAAAAAAAAABAUG/8QAIxAAAQIFAwUAAAAAAAAAAAAAAQARAgQFIkESMXEDEyEyYf/a' +
    'AAgBAQAAPwDHSdM1xMzeH2VSCl9vTl/iXDT7Raly0gRsCOFT6EiSzueU6Gn2i1Fl8KnL4T4fUL//2Q==',
  '/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAUDg8SDw0UEhASFxUUGB4yIR4cHB49LC4kMklATEtHQEZFUFpzYlBVbVZFRmSIZW13e4GCgU5gjZeMfZ' +
    'ZzfoF8/8AAFAgAEQATBEMRAE0RAFkRAEsRAP/EABkAAQADAQEAAAAAAAAAAAAAAAADBQYHAf/EACcQAAECBQQCAQUAAAAAAAAAAAABAwIFERIV' +
    'BBNBYjJRIzFCYYGR/9oADgRDAE0AWQBLAAA/AM9LuChxvUzcnluU1UTG7tWwLHW27lE9p7NmaqXcDG9SWdSfE7Pz7u7d9ltKU/K+wX7fggxvUq' +
    'wc2l3BsMb1JGX3dPGsbDsbUSpRVgiVFp+gaqXcDG9T17Uv6i3ffcdt+l8axU/oL9vwQY3qRA5tLuC7ANVLuAAX7fggAP/Z',
];

export const jpegs = (): Uint8Array[] => LIBJPEG.map((text) => new Uint8Array(Buffer.from(text, 'base64')));

const tensor = (shape: number[], from = 0): TensorData => ({
  shape,
  data: Float32Array.from({ length: product(shape) }, (_, i) => from + i / 8),
});

export function safetensors(): Uint8Array[] {
  const tensors = new Map([
    ['a.weight', tensor([2, 3])],
    ['b', tensor([])],
    ['empty', tensor([0, 4])],
  ]);
  return [
    writeSafetensors(tensors, { note: 'a "b" \\ \u00e9' }),
    writeSafetensors(tensors, {}, { dtype: 'F16' }),
    writeSafetensors(tensors, {}, { dtype: 'BF16' }),
  ];
}

const BACKBONES = [
  { family: 'resnet', block: 'basic', layers: [1, 1], widths: [4, 8], stem: 4 },
  { family: 'densenet', growthRate: 4, blocks: [1, 1], initialFeatures: 4, bottleneck: 2 },
  { family: 'vgg', layers: [4, 'M', 8], batchNorm: true },
  { family: 'alexnet', widths: [4, 4, 4, 4, 4] },
  { family: 'squeezenet', layers: [{ conv: 4, kernel: 3, stride: 2 }, 'M', { fire: [2, 4, 4] }] },
  {
    family: 'googlenet',
    layers: [{ conv: 4, kernel: 7, stride: 2 }, { maxPool: 3, stride: 2 }, { inception: [2, 2, 2, 2, 2, 2] }],
  },
  { family: 'resnet', block: 'bottleneck', layers: [1, 1], widths: [4, 8], inner: [8, 16], groups: 2, stem: 4 },
  { family: 'shufflenet_v2', stem: 4, layers: [2, 1], widths: [6, 8], last: 8 },
  { family: 'convnext', layers: [1, 1], widths: [4, 6] },
] as const;

const CLASSES = ['Atelectasis', 'Cardiomegaly', 'Mass'];
const networks = () =>
  BACKBONES.map((backbone) => ({
    backbone: structuredClone(backbone) as never,
    head: {
      classes: 3,
      transition: { channels: 4, kernel: 1, activation: 'relu' as const },
      pooling: 'lse' as const,
      r: 5,
    },
  }));

const metadataOf = (architecture: ReturnType<typeof networks>[number]) =>
  formatMetadata({ ...architectureMetadata(architecture), pooling: 'lse' });

/** Metadata of the same network as a graph. */
const graphMetadata = (architecture: ReturnType<typeof networks>[number]) =>
  formatMetadata({ architecture: describeGraph(networkOf(architecture), { height: 64, width: 64, channels: 1 }) });

const formatMetadata = (network: Pick<WeightsMetadata, 'architecture' | 'pooling'>) =>
  formatWeightsMetadata({
    ...network,
    classes: CLASSES,
    inputWidth: 64,
    inputHeight: 64,
    inputChannels: 1,
    channelOrder: 'rgb',
    mean: [0.5],
    std: [0.25],
    fit: 'stretch',
    operatingThresholds: { Mass: 0.4 },
    heatmapScaling: 'minmax',
    heatThresholds: [60, 120],
    minRegion: 1,
    trainingData: 'none',
    license: 'MIT',
  });

/** The strings of weights files, as a JSON object. */
export const metadata = (): Uint8Array[] =>
  networks().flatMap((network) =>
    [metadataOf(network), graphMetadata(network)].map((strings) => bytesOf(JSON.stringify(strings))),
  );

/** Complete weights, with and without metadata, and with matrices as 8-bit integers. */
export function weights(): Uint8Array[] {
  return networks().flatMap((network) => {
    const g = createGraph();
    buildNetwork(g, network, g.input('image', [1, 64, 64, 1]));
    const tensors = new Map([...g.parameters].map(([name, { shape }]) => [name, tensor([...shape])]));
    const matrices = [...tensors].filter(([, { shape }]) => shape.length > 1).map(([name]) => name);
    const int8 = int8File(tensors, metadataOf(network), new Set(matrices));
    return [
      ...[metadataOf(network), graphMetadata(network), {}].map((strings) => writeSafetensors(tensors, strings)),
      writeSafetensors(int8.tensors, int8.metadata, { dtype: int8.typeOf }),
    ];
  });
}

// Predictions and tables

const predictions: Prediction[] = [
  {
    image: '00000001_000.png',
    width: 64,
    height: 48,
    probabilities: { Atelectasis: 0.25, Cardiomegaly: 0.5, Mass: 1e-7 },
    findings: [
      { label: 'Mass', score: 0.75, box: { x: 1.5, y: 2, width: 10, height: 20 }, threshold: 60, area: 9, peak: 200 },
    ],
    points: { Mass: [3.5, 4] },
  },
  {
    image: '00000002_000.png',
    width: 64,
    height: 64,
    probabilities: { Atelectasis: 0, Cardiomegaly: 1, Mass: 0.5 },
    findings: [],
  },
];

export function cocos(): Uint8Array[] {
  const own = toCoco(predictions, CLASSES);
  const bare = [{ image_id: '00000001_000.png', category_id: 'Mass', bbox: [1, 2, 3, 4], score: 0.5 }];
  return [own, bare].map((value) => bytesOf(JSON.stringify(value)));
}

export const predictionLines = (): Uint8Array[] => [
  bytesOf(predictions.map((each) => `${JSON.stringify(each)}\n`).join('')),
  bytesOf('{"file":"x/a.png","logits":{"Mass":-2.5}}\n{"file":"b.png","error":"broken"}\n'),
];

export function predictionTables(): Uint8Array[] {
  const scores = predictions.map(({ image, probabilities = {} }) =>
    csvLine([image, ...CLASSES.map((name) => probabilities[name])]),
  );
  const boxes = predictions.flatMap(({ image, findings = [] }) =>
    findings.map(({ label, box }) => ({ image, label, box })),
  );
  return [
    [csvLine(['Image Index', ...CLASSES]), ...scores, ''].join('\n'),
    '\ufeffimage,Mass,"Pleural Thickening"\r\n"a,b.png",0.5,0.25\r\n',
    writeBoxList(boxes),
    'Image Index,Finding Label,x,y,w,h,score\na.png,Mass,1,2,3,4,0.5\n',
  ].map(bytesOf);
}

const rows: PhantomRow[] = [0, 1, 2].map((index) => ({
  index,
  image: `0000000${index}_000.png`,
  labels: index === 0 ? [] : ['Mass', 'Infiltration'].slice(0, index),
  boxes: index === 0 ? [] : [{ label: 'Infiltration', x: 1, y: 2, width: 30, height: 40 }],
  patient: index,
  followUp: 0,
  age: 58,
  sex: 'F',
  view: 'PA',
}));

const FIRST_RELEASE =
  'Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],\n' +
  '00000001_000.png,Cardiomegaly|Emphysema,000,1,058Y,M,PA,2682,2749,0.143,0.143,\n00000002_000.png,No Finding,000,2,006M,F,AP,2500,2048,0.168,0.168,\n';
export const labelTables = (): Uint8Array[] => [bytesOf(labelFile(rows, 1024)), bytesOf(FIRST_RELEASE)];
export const boxLists = (): Uint8Array[] => [bytesOf(boxFile(rows)), bytesOf(writeBoxList([]))];
export const imageLists = (): Uint8Array[] => [
  bytesOf(rows.map(({ image }) => `${image}\n`).join('')),
  bytesOf('\ufeffimages/a.png\r\nimages\\b.png\r\n\r\n c.png \r\n'),
];

// Reports

export const reportTexts = (): Uint8Array[] => [
  ...[0, 1, 2, 3, 4].map((index) => bytesOf(drawPhantom({ seed: 3, index, size: 64 }).report)),
  bytesOf(
    '1. No effusion.\n2) Small left effusion\n- Heart: enlarged\n[x] Pneumothorax\nEffusion - no\n?pneumonia\n\nWET READ: e.g. no change vs. prior.',
  ),
];

const OPEN_I = `<?xml version="1.0" encoding="utf-8"?>
<eCitation><uId id="CXR1"/><MedlineCitation><Article><Abstract>
<AbstractText Label="COMPARISON">None.</AbstractText><AbstractText Label="FINDINGS">Heart &amp; lungs: small effusion.</AbstractText>
<AbstractText Label="IMPRESSION"><![CDATA[No pneumothorax]]>.</AbstractText></Abstract></Article></MedlineCitation>
<MeSH><major>normal</major></MeSH><parentImage id="a"><caption>Chest</caption></parentImage></eCitation>`;
export const reportXmls = (): Uint8Array[] => [
  bytesOf(OPEN_I),
  bytesOf('<a><!-- c --><Abstract><AbstractText Label="FINDINGS"/></Abstract></a>'),
];

export const reportTables = (): Uint8Array[] => [
  bytesOf('id,report,Patient ID\n1,"Findings: no effusion.\nImpression: normal",7\n2,Mass,8\n'),
  bytesOf('study_id,findings,impression,age\r\nA,clear lungs,normal,58\r\n'),
];

export async function tars(): Promise<Uint8Array[]> {
  const archive = pack();
  archive.entry({ name: 'a/CXR1.xml' }, OPEN_I);
  archive.entry({ name: 'b.txt' }, 'No effusion.');
  archive.entry({ name: 'c.png' }, Buffer.from([1, 2, 3]));
  archive.entry({ name: `${'long/'.repeat(60)}d.txt` }, 'A mass.');
  archive.entry({ name: 'e', type: 'symlink', linkname: '/etc/passwd' });
  archive.finalize();
  const pieces: Uint8Array[] = [];
  for await (const piece of archive as AsyncIterable<Uint8Array>) pieces.push(piece);
  const tar = new Uint8Array(Buffer.concat(pieces));
  return [tar, new Uint8Array(gzipSync(tar))];
}

// Training runs

function checkpointOf(tensors: Checkpoint['tensors']): Promise<Uint8Array> {
  const [architecture] = networks();
  const settings = {
    architecture,
    classes: CLASSES,
    input: { mean: [0.5], std: [0.25], channelOrder: 'rgb', fit: 'stretch' },
    epochs: 2,
    batch: 2,
    loss: { kind: 'bce' },
    optimizer: { kind: 'sgd', momentum: 0.9 },
    seed: 1,
  };
  return writeCheckpoint({
    settings: settings as unknown as TrainSettings,
    state: {
      epoch: 1,
      step: 2,
      lossSum: 0.5,
      history: [{ epoch: 1, loss: 0.7, auc: { Mass: 0.5, Hernia: null }, meanAuc: 0.5 }],
    },
    data: '0123456789abcdef',
    adapter: 'an adapter',
    tensors,
    kernels: { 'conv2d 1x64': 'tiled' } as never,
  });
}

/** Checkpoints of the current version and of the one without a checksum. Only mutants of the latter reach the code after the checksum. */
export async function checkpoints(): Promise<Uint8Array[]> {
  const whole = await checkpointOf(
    new Map([
      ['head.weight', tensor([2, 2])],
      ['head.weight#velocity', tensor([2, 2])],
    ]),
  );
  const { tensors, metadata } = readSafetensors(whole);
  const { checksum: _, ...rest } = metadata;
  return [writeSafetensors(tensors, { ...rest, raybox_checkpoint: '1' }), whole];
}

/** The separator between the files of a run folder in one input: configuration, log and a checkpoint. */
export const FILE_END = bytesOf('\n\u0000\n');
export const runFolders = async (): Promise<Uint8Array[]> => [
  new Uint8Array(
    Buffer.concat([
      bytesOf(JSON.stringify({ data: 'x', epochs: 2 })),
      FILE_END,
      bytesOf('{"event":"start"}\n{"event":"update","epoch":1,"step":1,"loss":0.5}\n{"event":"epoch","epoch":1}\n{"ev'),
      FILE_END,
      (await checkpoints())[0],
    ]),
  ),
];
