/** Reads reports from the rows of a CSV file. */
import { InputError } from '../../errors.js';
import { csvReader, findColumns, normalizeHeader } from '../../formats/csv.js';
import { maxReportBytes, openFile, textDecoder } from './report_bytes.js';
import type { ReadReportsOptions, ReportText } from './report_text.js';

/** Columns of `Data_Entry_2017.csv` that are passed on if a CSV of reports has them, each with its other names. */
export const aboutColumns: readonly (readonly string[])[] = [
  ['Follow-up #'],
  ['Patient ID', 'patient_id', 'subject_id'],
  ['Patient Age', 'age'],
  ['Patient Gender', 'Patient Sex', 'sex', 'gender'],
  ['View Position', 'view'],
];

const idNames = [
  'image index',
  'report id',
  'report_id',
  'study_id',
  'study id',
  'accession',
  'image_id',
  'filename',
  'file',
  'uid',
  'id',
  'name',
  'image',
];
const textNames = ['report text', 'report_text', 'full report', 'report', 'text', 'note_text', 'narrative'];
const sectionNames = ['findings', 'impression'];

/** Reads a report from each row. If there is an error in the file, the rows before it are yielded first. */
export async function* readTable(path: string, options: ReadReportsOptions): AsyncGenerator<ReportText> {
  let ready: ReportText[] = [];
  let columns: ReturnType<typeof tableColumns> | undefined;
  const reader = csvReader(
    (fields, row) => {
      if (!columns) {
        columns = tableColumns(fields, path, options);
        return;
      }
      const source = `${path}: row ${row}`;
      const id = fields[columns.id]?.trim() ?? '';
      if (id === '') {
        options.onProblem({ source, message: `${source}: has no identifier` });
        return;
      }
      const text = columns.texts
        .map(({ at, heading }) => ({ heading, part: fields[at]?.trim() ?? '' }))
        .filter(({ part }) => part !== '')
        .map(({ heading, part }) => `${heading ? `${heading}: ` : ''}${part}\n\n`)
        .join('');
      const about = columns.about.map((at) => fields[at]?.trim() ?? '');
      ready.push({ id, text, source, about });
    },
    { source: path, maxRowLength: maxReportBytes },
  );
  const decoder = textDecoder(path, options.encoding);
  const handOut = function* (): Generator<ReportText> {
    const rows = ready;
    ready = [];
    yield* rows;
  };
  try {
    for await (const chunk of openFile(path, options)) {
      reader.write(decoder.write(chunk as Uint8Array));
      yield* handOut();
    }
    reader.write(decoder.end());
    reader.end();
  } catch (error) {
    yield* handOut();
    throw error;
  }
  yield* handOut();
  if (!columns) throw new InputError(`${path}: is empty`, { expected: 'a header and a row per report' });
}

function tableColumns(header: readonly string[], path: string, options: ReadReportsOptions) {
  const source = path;
  const { id } = findColumns(header, { id: options.idColumn ? [options.idColumn] : idNames }, { source });
  const found = header.map(normalizeHeader);
  const about = aboutColumns.map((names) => {
    const accepted = names.map(normalizeHeader);
    return found.findIndex((name) => accepted.includes(name));
  });
  if (options.textColumns?.length) {
    const texts = options.textColumns.map((name) => ({
      at: findColumns(header, { text: [name] }, { source }).text,
      heading: sectionNames.includes(normalizeHeader(name)) ? name : '',
    }));
    return { id, about, texts };
  }
  const parts = sectionNames.filter((name) => found.includes(name));
  if (parts.length > 0) return { id, about, texts: parts.map((name) => ({ at: found.indexOf(name), heading: name })) };
  return { id, about, texts: [{ at: findColumns(header, { text: textNames }, { source }).text, heading: '' }] };
}
