/**
 * Reads and writes lists of images, such as `train_val_list.txt` and `test_list.txt`, with one image in each line. A line is the image's
 * name, or it has columns. Columns are separated by commas, tabs or semicolons, or by spaces after a name with the ending of an image file.
 * The image's column is the one that the header calls `Image Index`, `image`, `path` or similar. Without a header it is the column whose
 * value has the ending of an image file.
 */
import { InputError } from '../../errors.js';
import type { OnWarning } from '../../warnings.js';
import { fileName } from '../findings.js';
import { listed } from './label_names.js';

/** Names of a column that names the image. If several columns have one of them, the first in this order is used. */
export const IMAGE_COLUMNS: readonly string[] = [
  'image index',
  'image_index',
  'image name',
  'image_name',
  'image',
  'images',
  'file name',
  'file_name',
  'filename',
  'file',
  'path',
  'image id',
  'image_id',
];
const LIST_HEADERS = new Set([...IMAGE_COLUMNS, 'files', 'filenames', 'paths', 'name', 'names', 'id', 'img']);
/** Longest line in characters: enough for a name and a few columns. */
const MAX_LINE = 4096;
/**
 * Endings of image files, in lower case. In a folder only such files count as images. DICOM files are not supported, but they are listed
 * so that they are refused with an error instead of being ignored.
 */
export const IMAGE_ENDINGS: readonly string[] = ['.png', '.jpg', '.jpeg', '.dcm', '.dicom'];
const ANY_ENDING = `(?:${IMAGE_ENDINGS.map((ending) => `\\${ending}`).join('|')})`;
export const IMAGE_ENDING = new RegExp(`${ANY_ENDING}$`, 'i');

/** The name of an image without its ending. */
export const stemOf = (name: string): string => name.replace(IMAGE_ENDING, '');
/** A name with the ending of an image file, then white space, then columns. */
const SPACED_LINE = new RegExp(`^(\\S.*?${ANY_ENDING})\\s+(\\S.*)$`, 'i');
/** Names that would be read as a comment or as several columns, and so have to be quoted. */
const SEPARATED = new RegExp(`^#|[",;\\t]|${ANY_ENDING}\\s`, 'i');

/**
 * Checks the name of an image, which will be used as a file name.
 * @throws an Error for a name that is empty or too long, or that contains a separator of folders, a line end or another control character
 */
export function imageName(text: string): string {
  const name = text.trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (name === '' || name.length > 255 || /^\.\.?$/.test(name) || /[/\\\u0000-\u001f]/.test(name)) {
    throw new Error(`no image name: ${JSON.stringify(name.slice(0, 60))}`);
  }
  return name;
}

/** The same for a path, whose folders are dropped. @throws an Error also for a path with a part `.` or `..` */
export function imageNameOfPath(text: string): string {
  const path = text.trim();
  const leaves = path.split(/[/\\]/).some((part) => /^\.\.?$/.test(part));
  return imageName(leaves ? path : fileName(path));
}

/** The columns of a line, without their quotes; undefined if a quote is not closed, or closed within a column. */
function columnsOf(line: string): string[] | undefined {
  const spaced = SPACED_LINE.exec(line);
  if (spaced && !/[",;\t]/.test(line)) return [spaced[1], ...spaced[2].split(/\s+/)];
  const separator = ['\t', ',', ';'].find((character) => line.replace(/"(?:[^"]|"")*"/g, '').includes(character));
  const columns: string[] = [];
  for (let rest = line; ; ) {
    const quoted = /^\s*"((?:[^"]|"")*)"\s*/.exec(rest);
    if (!quoted && /^\s*"/.test(rest)) return undefined;
    const end = quoted ? quoted[0].length : separator === undefined ? rest.length : rest.indexOf(separator);
    const length = end < 0 ? rest.length : end;
    columns.push(quoted ? quoted[1].replaceAll('""', '"') : rest.slice(0, length).trim());
    if (length === rest.length) return columns;
    if (separator === undefined || rest[length] !== separator) return undefined;
    rest = rest.slice(length + 1);
  }
}

/**
 * Reads a list. Folders before a name are dropped, blank lines are skipped, and lines that begin with `#` are comments. `onWarning` is called
 * if something else of the file is not used: further columns, a header, comments or repeated names.
 *
 * @throws InputError with the number of a line that has no image name, or several
 */
export function readImageList(text: string, source = 'image list', onWarning: OnWarning = () => {}): string[] {
  const names = new Set<string>();
  const ignored = { comments: 0, repeated: new Set<string>(), columns: 0, header: '' };
  let headed: number | undefined;
  let first = true;
  for (const [i, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const line = raw.trim();
    if (line === '') continue;
    const refuse = (reason: string) =>
      new InputError(`${source}: line ${i + 1}: ${reason}`, {
        expected: 'one image name a line',
        given: JSON.stringify(line.slice(0, 100)),
      });
    if (line.length > MAX_LINE) throw refuse(`longer than ${MAX_LINE} characters`);
    if (line.startsWith('#')) {
      ignored.comments += 1;
      continue;
    }
    const columns = columnsOf(line);
    if (!columns) throw refuse('a quote that is not closed, or closed within a column');
    if (first) {
      first = false;
      const at = columns.findIndex((column) => LIST_HEADERS.has(column.toLowerCase()));
      if (at >= 0 && !columns.some((column) => IMAGE_ENDING.test(column))) {
        headed = at;
        ignored.header = line;
        if (columns.length > 1) ignored.columns = Math.max(ignored.columns, columns.length - 1);
        continue;
      }
    }
    const endings = columns.filter((column) => IMAGE_ENDING.test(column));
    const named = headed !== undefined && headed < columns.length ? [columns[headed]] : endings;
    const candidates = [...new Set((columns.length === 1 ? columns : named).map(fileName))];
    if (candidates.length !== 1)
      throw refuse(candidates.length > 1 ? 'more than one image' : 'which column is the image?');
    if (new Set(endings.map(fileName)).size > 1) throw refuse('more than one image');
    ignored.columns = Math.max(ignored.columns, columns.filter((column) => column !== '').length - 1);
    let name: string;
    try {
      name = imageName(candidates[0]);
    } catch (error) {
      throw refuse((error as Error).message);
    }
    if (names.has(name)) ignored.repeated.add(name);
    names.add(name);
  }
  const parts = [
    ignored.header && `the header ${listed([ignored.header])}`,
    ignored.columns > 0 && 'the columns beside the image’s name',
    ignored.comments > 0 && `${ignored.comments} comment ${ignored.comments === 1 ? 'line' : 'lines'}`,
    ignored.repeated.size > 0 && `names that come again (${listed(ignored.repeated, 3)})`,
  ].filter((part) => part);
  if (parts.length > 0) {
    onWarning({ code: 'ignored-data', message: `${source}: ${parts.join(', ')} ${plural(parts)} ignored.` });
  }
  return [...names];
}

const plural = (parts: readonly unknown[]) =>
  parts.length === 1 && /^(?:the header|1 comment)/.test(String(parts[0])) ? 'was' : 'were';

/** Writes a list, from which `readImageList` reads the same names. */
export function writeImageList(names: Iterable<string>): string {
  const line = (name: string) =>
    SEPARATED.test(name) || name !== name.trim() ? `"${name.replaceAll('"', '""')}"` : name;
  return [...names].map((name) => `${line(name)}\n`).join('');
}
