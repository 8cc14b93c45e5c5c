/** Lists every parser of untrusted input: its good inputs, the mutators for its format, and how much memory it may take. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRunFolder } from '../../../src/cli/train/run_folder.js';
import { readBoxList, readDataEntry, readImageList } from '../../../src/formats/data_sets/chestxray.js';
import { labelStatistics } from '../../../src/formats/data_sets/chestxray_splits.js';
import { readCoco } from '../../../src/formats/data_sets/coco.js';
import { CHEST_XRAY14_LABELS } from '../../../src/formats/data_sets/image_table.js';
import { decodeImage } from '../../../src/formats/images/image.js';
import { readPictureHeader } from '../../../src/formats/images/picture_header.js';
import { parseJson } from '../../../src/formats/json.js';
import { partsOf } from '../../../src/formats/parts.js';
import { predictionLineReader } from '../../../src/formats/predictions/prediction_lines.js';
import { type PredictionReader, predictionCsvReader } from '../../../src/formats/predictions/predictions_csv.js';
import { BROWSER_FORMATS, detectFormat } from '../../../src/formats/signature.js';
import { storageTable, torchGlobals } from '../../../src/formats/torch/globals.js';
import { unpickle } from '../../../src/formats/torch/pickle.js';
import { readTorch } from '../../../src/formats/torch/torch.js';
import { isGraph } from '../../../src/formats/weights/graph_description.js';
import { readSafetensors } from '../../../src/formats/weights/safetensors.js';
import { parseWeightsMetadata, type WeightsMetadata } from '../../../src/formats/weights/weights.js';
import { openZip } from '../../../src/formats/zip.js';
import { createGraph } from '../../../src/graph/ir/graph.js';
import { importKeras, importTensorflow } from '../../../src/import/tensorflow/import.js';
import { describeModel, readModel } from '../../../src/localizer/weights/model.js';
import { architectureOf } from '../../../src/nets/architecture.js';
import { graphNetwork, type NetworkFunction, networkOf } from '../../../src/nets/index.js';
import { readReports } from '../../../src/node/reports/report_files.js';
import { mineReport, readOpenI } from '../../../src/reports/index.js';
import { readTrainingCheckpoint } from '../../../src/train/checkpoint.js';
import * as archives from './archives.js';
import { hdf5Number, hdf5Sharing } from './hdf5.js';
import { amplifiedJpeg, amplifiedPng, jpegSegments, pngChunks } from './images.js';
import * as masks from './masks.js';
import { joined, type Mutator } from './mutate.js';
import { onnxModels } from './onnx.js';
import type { Parser } from './parser.js';
import { amplifiedProtobuf, protobufField } from './protobuf.js';
import * as seeds from './seeds.js';
import { tensorflowModels, unframed } from './tensorflow.js';
import * as text from './text.js';

/** Pixels here may take 4 MiB, and several times as much while they are decoded. */
const IMAGE_LIMITS = { maxImageBytes: 4 << 20 };

const textLines = { structured: [text.lines, text.odd], amplifiers: [text.repeated] };

function readAll(reader: PredictionReader, content: string): unknown {
  for (let at = 0; at < content.length; at += 50_000) reader.write(content.slice(at, at + 50_000));
  reader.end();
  return reader.predictions();
}

/** The numbers of a checkpoint's tensors, which are only read when they are asked for. */
const numbersOfTorch = (bytes: Uint8Array) => [...readTorch(bytes).tensors.values()].map(({ data }) => data);

/** Shapes of a whole network as `load` makes them, without weights or GPU. */
function buildGraph(network: NetworkFunction, { inputHeight, inputWidth, inputChannels }: WeightsMetadata): void {
  const g = createGraph();
  network(g, g.input('image', [1, inputHeight, inputWidth, inputChannels]));
}

let folder: string | undefined;
/** A temporary folder of this process, which is removed at its end. */
function scratch(): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'raybox-fuzz-'));
    process.on('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return folder;
}

async function readReportFile(bytes: Uint8Array, name: string): Promise<unknown> {
  const path = join(scratch(), name);
  writeFileSync(path, bytes);
  const problems: string[] = [];
  let reports = 0;
  for await (const report of readReports(path, '', { onProblem: ({ message }) => problems.push(message) })) {
    mineReport(report.text);
    reports += 1;
  }
  return { reports, problems };
}

/** Splits an input into configuration, log and checkpoint. If it does not have three parts, two of them are empty. */
function runFiles(bytes: Uint8Array): Uint8Array[] {
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = content.indexOf(seeds.FILE_END);
  const second = first < 0 ? -1 : content.indexOf(seeds.FILE_END, first + 1);
  if (second < 0) return [content, new Uint8Array(), new Uint8Array()];
  return [content.subarray(0, first), content.subarray(first + 3, second), content.subarray(second + 3)];
}

/** Changes one of the files of a run folder, each by its own mutator. */
function inRun(...mutators: Mutator[]): Mutator {
  return (bytes, dice, others) => {
    const files = runFiles(bytes);
    const at = dice.below(files.length);
    const changed = mutators[at](files[at], dice, others);
    const [config, log, checkpoint] = files.with(at, changed);
    return joined(config, seeds.FILE_END, log, seeds.FILE_END, checkpoint);
  };
}

async function openRun(bytes: Uint8Array): Promise<unknown> {
  const [config, log, checkpoint] = runFiles(bytes);
  const run = join(scratch(), 'run');
  rmSync(run, { recursive: true, force: true });
  mkdirSync(join(run, 'checkpoints'), { recursive: true });
  writeFileSync(join(run, 'config.json'), config);
  writeFileSync(join(run, 'log.jsonl'), log);
  writeFileSync(join(run, 'checkpoints', 'epoch-0001-step-000002.safetensors'), checkpoint);
  return openRunFolder(run, () => {});
}

export const PARSERS: readonly Parser[] = [
  {
    name: 'png',
    about: 'PNG images',
    seeds: seeds.pngs,
    structured: [pngChunks],
    amplifiers: [amplifiedPng],
    parse: (bytes) => decodeImage(bytes, IMAGE_LIMITS),
  },
  {
    name: 'jpeg',
    about: 'JPEG images',
    seeds: seeds.jpegs,
    structured: [jpegSegments],
    amplifiers: [amplifiedJpeg],
    parse: (bytes) => decodeImage(bytes, IMAGE_LIMITS),
  },
  {
    name: 'picture-header',
    about: 'headers of WebP, AVIF, GIF and BMP images, which the browser then decodes',
    seeds: seeds.browserPictures,
    structured: [],
    amplifiers: [],
    parse: (bytes) => readPictureHeader(BROWSER_FORMATS.find((name) => name === detectFormat(bytes)) ?? 'AVIF', bytes),
  },
  {
    name: 'safetensors',
    about: 'safetensors files',
    seeds: seeds.safetensors,
    structured: [archives.safetensorsHeader],
    amplifiers: [archives.amplifiedHeader],
    parse: readSafetensors,
  },
  {
    name: 'torch-zip',
    about: 'torch checkpoints as zip archives',
    seeds: seeds.TORCH_ZIPS,
    structured: [archives.zippedPickle, archives.zipEntries],
    amplifiers: [archives.amplifiedZippedPickle],
    parse: numbersOfTorch,
  },
  {
    name: 'torch-stream',
    about: 'torch checkpoints as streams of pickles',
    seeds: seeds.TORCH_STREAMS,
    structured: [archives.pickle],
    amplifiers: [archives.amplifiedPickle],
    parse: numbersOfTorch,
  },
  {
    name: 'pickle',
    about: 'one pickle of a checkpoint',
    seeds: () =>
      seeds.TORCH_ZIPS().map((bytes) => archives.unzipped(bytes)!.find(([name]) => name.endsWith('data.pkl'))![1]),
    structured: [archives.pickle],
    amplifiers: [archives.amplifiedPickle],
    parse: (bytes) => unpickle(bytes, { globals: torchGlobals(), persistentLoad: storageTable(new Map()) }),
  },
  {
    name: 'zip',
    about: 'zip archives of stored entries',
    seeds: seeds.TORCH_ZIPS,
    structured: [archives.zipEntries],
    amplifiers: [archives.amplifiedZip],
    parse: (bytes) => [...openZip(partsOf(bytes)).values()].map(({ read }) => read()),
  },
  {
    name: 'metadata',
    about: 'architecture and weights metadata, to the graph',
    seeds: seeds.metadata,
    structured: [onText(archives.changeMetadata), text.json],
    amplifiers: [onText(archives.amplifyMetadata), text.amplifiedJson],
    parse(bytes) {
      const strings = parseJson(text.textOf(bytes), 'metadata');
      const given = typeof strings === 'object' && strings !== null ? Object.entries(strings) : [];
      const metadata = parseWeightsMetadata(
        Object.fromEntries(given.filter(([, value]) => typeof value === 'string')) as Record<string, string>,
      );
      const { architecture } = metadata;
      buildGraph(isGraph(architecture) ? graphNetwork(architecture) : networkOf(architectureOf(metadata)), metadata);
      return metadata;
    },
  },
  {
    name: 'saved-network',
    about: 'networks that PyTorch saved whole, up to the network in them',
    seeds: seeds.SAVED_NETWORKS,
    structured: [archives.zippedPickle, archives.zipEntries],
    amplifiers: [archives.amplifiedZippedPickle],
    async parse(bytes) {
      const { network, metadata } = await readModel(bytes, {});
      buildGraph(network, metadata);
      return metadata;
    },
  },
  {
    name: 'weights',
    about: 'weights of any kind, up to the network that they are for',
    seeds: seeds.weights,
    structured: [archives.headerMetadata, archives.safetensorsHeader],
    amplifiers: [archives.amplifiedMetadata, archives.amplifiedHeader],
    async parse(bytes) {
      const { network, metadata } = await readModel(bytes, {});
      buildGraph(network, metadata);
      return metadata;
    },
  },
  {
    name: 'onnx',
    about: 'ONNX models, up to the network in them',
    seeds: onnxModels,
    structured: [protobufField],
    amplifiers: [amplifiedProtobuf],
    // The budget of constants that a model may compute is four million numbers beyond its own.
    memory: { constant: 256 << 20, perByte: 200 },
    async parse(bytes) {
      const { network, metadata } = await readModel(bytes, {});
      buildGraph(network, metadata);
      return metadata;
    },
  },
  {
    name: 'tensorflow',
    about: 'TensorFlow.js models with the files of their weights, up to the network in them',
    seeds: tensorflowModels,
    structured: [archives.safetensorsHeader],
    amplifiers: [archives.amplifiedHeader],
    // The budget of constants that a model may compute is four million numbers beyond its own.
    memory: { constant: 256 << 20, perByte: 200 },
    async parse(bytes) {
      const { json, external } = unframed(bytes);
      const { network, metadata } = await describeModel(await importTensorflow(json, { external }), {});
      buildGraph(network, metadata);
      return metadata;
    },
  },
  {
    name: 'keras',
    about: 'models that Keras saved, HDF5 and .keras, up to the network in them',
    seeds: seeds.KERAS_FILES,
    structured: [
      (bytes, dice, others) => (detectFormat(bytes) === 'HDF5' ? hdf5Number : archives.zipEntries)(bytes, dice, others),
    ],
    amplifiers: [hdf5Sharing],
    async parse(bytes) {
      const { network, metadata } = await describeModel(importKeras(bytes, {}), {});
      buildGraph(network, metadata);
      return metadata;
    },
  },
  {
    name: 'coco',
    about: 'COCO files of boxes',
    seeds: seeds.cocos,
    structured: [text.json],
    amplifiers: [text.amplifiedJson],
    parse(bytes) {
      const parsed = parseJson(text.textOf(bytes), 'boxes');
      return readCoco(parsed);
    },
  },
  {
    name: 'masks',
    about: 'masks and polygons as truth: CheXlocalize, COCO, ChestX-Det',
    seeds: masks.shapeFiles,
    structured: [text.json],
    amplifiers: [text.amplifiedJson, masks.manyMarks],
    parse: masks.readTruthFile,
  },
  {
    name: 'mask-table',
    about: 'tables of boxes as truth, of several sources',
    seeds: masks.shapeTables,
    structured: textLines.structured,
    amplifiers: [...textLines.amplifiers, masks.manyBoxes],
    parse: masks.readTruthTable,
  },
  {
    name: 'run-lengths',
    about: "a mask as COCO's run lengths, list or string",
    seeds: masks.runLengths,
    structured: [text.json],
    amplifiers: [text.amplifiedJson, masks.manyRuns],
    parse: masks.readRunLengths,
  },
  {
    name: 'predictions-csv',
    about: 'CSV of probabilities or boxes',
    seeds: seeds.predictionTables,
    ...textLines,
    parse: (bytes) => readAll(predictionCsvReader({ classes: CHEST_XRAY14_LABELS }), text.textOf(bytes)),
  },
  {
    name: 'predictions-jsonl',
    about: 'JSON lines of probabilities and boxes',
    seeds: seeds.predictionLines,
    structured: [text.jsonLine, text.lines],
    amplifiers: [text.amplifiedJsonLine, text.repeated],
    parse: (bytes) => readAll(predictionLineReader(), text.textOf(bytes)),
  },
  {
    name: 'labels',
    about: 'label tables of a data set',
    seeds: seeds.labelTables,
    ...textLines,
    parse(bytes) {
      const content = text.textOf(bytes);
      labelStatistics(readDataEntry(content, { onProblem: () => {} }));
      return readDataEntry(content);
    },
  },
  {
    name: 'boxes',
    about: 'box lists of a data set',
    seeds: seeds.boxLists,
    ...textLines,
    parse(bytes) {
      const content = text.textOf(bytes);
      readBoxList(content, { onProblem: () => {} });
      return readBoxList(content);
    },
  },
  {
    name: 'lists',
    about: 'lists of images',
    seeds: seeds.imageLists,
    ...textLines,
    parse: (bytes) => readImageList(text.textOf(bytes)),
  },
  {
    name: 'report-text',
    about: 'the text of a report, to its labels',
    seeds: seeds.reportTexts,
    ...textLines,
    // The command line does not read reports of more than a mebibyte.
    parse: (bytes) => mineReport(text.textOf(bytes.subarray(0, 1 << 20))),
  },
  {
    name: 'report-xml',
    about: 'reports as OpenI XML',
    seeds: seeds.reportXmls,
    structured: [text.xml, text.odd],
    amplifiers: [text.amplifiedXml],
    parse: (bytes) => readOpenI(text.textOf(bytes)),
  },
  {
    name: 'report-csv',
    about: 'CSV of reports, as a file',
    seeds: seeds.reportTables,
    ...textLines,
    parse: (bytes) => readReportFile(bytes, 'reports.csv'),
  },
  {
    name: 'report-tar',
    about: 'tar archives of reports, also compressed, as a file',
    seeds: seeds.tars,
    structured: [archives.tarHeader],
    amplifiers: [archives.amplifiedTar],
    parse: (bytes) => readReportFile(bytes, bytes[0] === 0x1f ? 'reports.tgz' : 'reports.tar'),
  },
  {
    name: 'checkpoint',
    about: 'checkpoints of a training run',
    seeds: seeds.checkpoints,
    structured: [archives.headerMetadata, archives.safetensorsHeader],
    amplifiers: [archives.amplifiedMetadata, archives.amplifiedHeader],
    parse: readTrainingCheckpoint,
  },
  {
    name: 'run-folder',
    about: 'a run folder: configuration, log and checkpoint',
    seeds: seeds.runFolders,
    structured: [inRun(text.json, text.jsonLine, archives.headerMetadata)],
    amplifiers: [inRun(text.amplifiedJson, text.amplifiedJsonLine, archives.amplifiedMetadata)],
    parse: openRun,
  },
];

function onText(change: (content: string, dice: Parameters<Mutator>[1]) => string): Mutator {
  return (bytes, dice) => text.bytesOf(change(text.textOf(bytes), dice));
}
