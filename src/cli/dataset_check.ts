/** `raybox check DIR`: names every file of a data set that is missing, cannot be read, or contradicts other files. */
import { basename } from 'node:path';
import { counted } from '../errors.js';
import { fromCorners, likelyCorners } from '../evaluate/box_corners.js';
import { boxInImage, isInside, likelyBoxFrame, type Size } from '../evaluate/box_frame.js';
import { labelsOf } from '../formats/data_sets/chestxray.js';
import { type LabelStatistics, labelStatistics } from '../formats/data_sets/chestxray_splits.js';
import { BOX_FILE, type Dataset, openDataset, TEST_FILE, TRAIN_VALIDATION_FILE } from '../node/dataset.js';
import { checkImage } from '../node/images/image_file_check.js';
import type { Command } from '../node/vendor/commander.js';
import { type Progress, print, startProgress, wholeNumber } from './terminal.js';

/** The kind of a problem. A `note` is an oddity that the published files have too; the data can be used nevertheless. */
export type ProblemKind = 'missing' | 'unreadable' | 'inconsistent' | 'note';

/** Something that is wrong with a file of a data set, or worth knowing about it. */
export interface Problem {
  kind: ProblemKind;
  /** The file that has the problem, as the data set names it. */
  file: string;
  message: string;
}

/** What `raybox check` found in a data set. */
export interface DatasetReport {
  folder: string;
  labelFile: string;
  statistics: LabelStatistics;
  /** The number of boxes by label. */
  boxes: Record<string, number>;
  /** The number of image files by size, such as `1024×1024`. */
  sizes: Record<string, number>;
  /** Side in pixels of the square that the boxes refer to, if it is not that of the images. It was given, or found from the boxes. */
  boxFrame?: number;
  problems: Problem[];
}

/** How a data set is checked. */
export interface CheckOptions {
  /** Whether every image is decoded. Otherwise only the beginning and the end of its file are looked at. */
  deep?: boolean;
  /** Side in pixels of the square that the boxes refer to. Default: that of the images, unless another one is likely. */
  boxFrame?: number;
  /**
   * Whether boxes are given as two corners. Default: as the names of their columns say; if these do not say it, a corner with width and
   * height, and a problem is reported if they look like two corners.
   */
  corners?: boolean;
  onProgress?: (done: number, total: number) => void;
}

/** Runs `work` for each of `items`, for eight of them at a time. */
async function eachAtATime<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

/**
 * Checks a data set: all images that are listed exist and can be read; all image files are listed; boxes lie inside their images and have
 * labels that the images have; no patient is in both lists. An image that cannot be read is recognised by the first and last bytes of its
 * file, which takes seconds for the whole data set. With `deep` each image is decoded, which takes hours.
 *
 * @throws InputError if there is no data set to check: no folder, no label file, or a label file without its columns
 */
export async function checkDataset(folder: string, options: CheckOptions = {}): Promise<DatasetReport> {
  const problems: Problem[] = [];
  const report = (kind: ProblemKind, file: string, message: string) => {
    problems.push({ kind, file, message });
  };
  let labelFile = 'label or box file';
  const onProblem = (message: string, row: number) => {
    const kind = message.includes('no possible age') ? 'note' : 'inconsistent';
    report(kind, labelFile, `row ${row}: ${message}`);
  };
  const data = await openDataset(folder, {
    corners: options.corners,
    onProblem,
    onBoxProblem: onProblem,
    onFileProblem: (file, message) => report('unreadable', basename(file), message),
    onDuplicate: (first, second) => report('inconsistent', second, `the same name as ${first}`),
  });
  labelFile = basename(data.labelFile);
  for (const { message } of data.warnings) report('note', folder, message);

  const sizes = await checkFiles(data, report, options);
  const counts = new Map<string, number>();
  for (const { width, height } of sizes.values()) {
    counts.set(`${width}×${height}`, (counts.get(`${width}×${height}`) ?? 0) + 1);
  }
  const [usual] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? [''];
  for (const [image, { width, height }] of sizes) {
    const size = `${width}×${height}`;
    if (size !== usual) report('inconsistent', image, `is ${size} pixels, most others are ${usual}`);
  }
  const boxFrame = checkFrame(data, sizes, usual, options, report);
  checkLists(data, report);

  const boxes = new Map<string, number>();
  for (const { label } of data.boxes) boxes.set(label, (boxes.get(label) ?? 0) + 1);
  return {
    folder,
    labelFile,
    statistics: labelStatistics(data.table),
    boxes: Object.fromEntries(boxes),
    ...(boxFrame === undefined ? {} : { boxFrame }),
    sizes: Object.fromEntries(counts),
    problems,
  };
}

type Report = (kind: ProblemKind, file: string, message: string) => void;
type Sizes = Map<string, Size>;

async function checkFiles(data: Dataset, report: Report, { deep = false, onProgress }: CheckOptions): Promise<Sizes> {
  const listed = new Set(data.table.images);
  for (const image of data.table.images) {
    if (!data.paths.has(image)) report('missing', image, 'is listed but in none of the image folders');
  }
  const sizes: Sizes = new Map();
  let done = 0;
  await eachAtATime([...data.paths], async ([image, path]) => {
    if (!listed.has(image)) report('inconsistent', image, 'is not in the label file');
    try {
      const size = await checkImage(path, deep);
      if (size) sizes.set(image, size);
    } catch (error) {
      report('unreadable', image, (error as Error).message);
    }
    onProgress?.(++done, data.paths.size);
  });
  return sizes;
}

/**
 * Looks at all boxes together, to find the square that they refer to and whether they are two corners, and then at each of them.
 * @returns the side of the square if it is not that of the images
 */
function checkFrame(
  data: Dataset,
  sizes: Sizes,
  usual: string,
  { boxFrame: given, corners: form }: CheckOptions,
  report: Report,
): number | undefined {
  const { boxes } = data;
  const likelyForm = (sizeOf: (image: string) => Size | undefined) =>
    form === undefined ? likelyCorners(boxes.map(({ image, box }) => ({ box, size: sizeOf(image) }))) : undefined;
  const read = likelyForm(() => undefined) ? boxes.map((each) => ({ ...each, box: fromCorners(each.box) })) : boxes;
  const likely = given === undefined ? likelyBoxFrame(read, sizes) : undefined;
  if (likely !== undefined) {
    const message = `boxes are probably in a frame of ${likely}, and most images are ${usual}: give --box-frame ${likely} here and to raybox evaluate`;
    report('note', BOX_FILE, message);
  }
  const frame = given ?? likely;
  const corners = likelyForm((image) => (frame ? { width: frame, height: frame } : sizes.get(image)));
  if (corners) {
    const message = `boxes ${corners === 'surely' ? 'seem to' : 'could'} be corners, x1, y1, x2, y2, and were read as x, y, width, height: if they are corners, give --corners here and --corners truth to raybox evaluate`;
    report(corners === 'surely' ? 'inconsistent' : 'note', BOX_FILE, message);
  }
  // If all boxes are corners, that is one problem. Checking each box would report it once for each.
  if (corners !== 'surely') checkBoxes(data, sizes, frame, report);
  return frame;
}

function checkBoxes({ table, boxes }: Dataset, sizes: Sizes, frame: number | undefined, report: Report) {
  const rowOf = new Map(table.images.map((image, row) => [image, row]));
  for (const { image, label, box } of boxes) {
    const row = rowOf.get(image);
    if (row === undefined) {
      report('inconsistent', BOX_FILE, `a box of ${image}, which is not in the label file`);
      continue;
    }
    if (!labelsOf(table, row).includes(label)) {
      report('note', image, `has a box of ${label}, which is not among its labels`);
    }
    const size = sizes.get(image);
    if (size && !isInside(boxInImage(box, size, frame), size)) {
      const { x, y, width, height } = box;
      report(
        'inconsistent',
        image,
        `its box of ${label} (${[x, y, width, height].join(', ')}) leaves the image${frame === undefined ? '' : `, in a frame of ${frame}`}`,
      );
    }
  }
}

function checkLists({ table, trainValidation, test }: Dataset, report: Report) {
  const patientOf = new Map(table.images.map((image, row) => [image, table.patients[row]]));
  const lists = { [TRAIN_VALIDATION_FILE]: trainValidation, [TEST_FILE]: test };
  for (const [file, images] of Object.entries(lists)) {
    for (const image of images ?? []) {
      if (!patientOf.has(image)) report('inconsistent', file, `${image} is not in the label file`);
    }
  }
  if (!trainValidation || !test) return;
  const testImages = new Set(test);
  const testPatients = new Set(test.map((image) => patientOf.get(image)));
  const both = new Set<string>();
  for (const image of trainValidation) {
    const patient = patientOf.get(image);
    if (testImages.has(image)) report('inconsistent', image, 'is in both lists');
    else if (patient !== undefined && testPatients.has(patient)) both.add(patient);
  }
  for (const patient of both) report('inconsistent', TEST_FILE, `patient ${patient} is in both lists`);
  const inLists = new Set([...trainValidation, ...test]);
  for (const image of table.images) if (!inLists.has(image)) report('note', image, 'is in neither list');
}

/** The report as lines of text: numbers of images as in Table 1 of the paper, then all problems. */
export function formatReport({ statistics, ...report }: DatasetReport): string {
  const { images, patients, classes, counts, overlaps, noFinding, cooccurrence } = statistics;
  const sizes = Object.entries(report.sizes).map(([size, count]) => `${count} of ${size}`);
  const lines = [
    `${report.labelFile}: ${counted(images, 'image')} of ${counted(patients, 'patient')}; image files: ${sizes.join(', ') || 'none'}`,
    '',
    `${'Label'.padEnd(20)}${'images'.padStart(9)}${'overlap'.padStart(9)}${'boxes'.padStart(8)}`,
  ];
  for (const [i, name] of classes.entries()) {
    const boxes = report.boxes[name] ?? 0;
    lines.push(
      `${name.padEnd(20)}${`${counts[i]}`.padStart(9)}${`${overlaps[i]}`.padStart(9)}${`${boxes}`.padStart(8)}`,
    );
  }
  lines.push(`${'No Finding'.padEnd(20)}${`${noFinding}`.padStart(9)}`, '');
  lines.push(`${'Images with both'.padEnd(20)}${classes.map((name) => name.slice(0, 7).padStart(8)).join('')}`);
  for (const [i, name] of classes.entries()) {
    lines.push(`${name.padEnd(20)}${cooccurrence[i].map((both) => `${both}`.padStart(8)).join('')}`);
  }
  lines.push('');
  for (const kind of ['missing', 'unreadable', 'inconsistent', 'note'] as const) {
    const some = report.problems.filter((problem) => problem.kind === kind);
    for (const { file, message } of some) lines.push(`${kind}: ${file}: ${message}`);
  }
  const count = (kind: ProblemKind) => report.problems.filter((problem) => problem.kind === kind).length;
  const faults = report.problems.length - count('note');
  lines.push(
    faults === 0
      ? `No problem found${count('note') > 0 ? `; ${count('note')} notes` : ''}.`
      : `${count('missing')} missing, ${count('unreadable')} unreadable, ${count('inconsistent')} inconsistent, ` +
          `${count('note')} notes.`,
  );
  return lines.join('\n');
}

/** Adds `raybox check`. The exit code is 1 if something is missing, unreadable or inconsistent. */
export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description(
      'check a data set in the ChestX-ray8/14 layout and name every missing, unreadable or inconsistent file',
    )
    .argument('<dir>', 'folder with Data_Entry_2017.csv, image folders, and lists and boxes where there are any')
    .option('--deep', 'decode every image (hours for the whole set; without it, its first and last bytes are checked)')
    .option(
      '--box-frame <pixels>',
      'side of the square that the boxes refer to; default: the image',
      wholeNumber(1, 65_535),
    )
    .option('--corners', 'boxes are two corners, x1, y1, x2, y2; default: as the names of columns say')
    .option('--json', 'print the report as JSON')
    .action(
      async (folder: string, options: { deep?: boolean; boxFrame?: number; corners?: boolean; json?: boolean }) => {
        let progress: Progress | undefined;
        const report = await checkDataset(folder, {
          deep: options.deep,
          boxFrame: options.boxFrame,
          corners: options.corners,
          onProgress(done, total) {
            progress ??= startProgress('checking', total, 'images');
            progress.update(done);
          },
        }).finally(() => progress?.stop());
        await print(`${options.json ? JSON.stringify(report, null, 2) : formatReport(report)}\n`);
        if (report.problems.some(({ kind }) => kind !== 'note')) process.exitCode = 1;
      },
    );
}
