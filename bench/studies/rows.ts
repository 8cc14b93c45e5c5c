/** Reads small tables whose columns only a study knows. */
import { readCsv } from '../../src/formats/csv.js';
import { readText } from '../../src/node/text_files.js';

/** The rows of a CSV file with a header, as the fields by name of their column. */
export async function rowsOf(path: string): Promise<Record<string, string>[]> {
  const rows: string[][] = [];
  readCsv(await readText(path), (fields) => rows.push([...fields]));
  const [head, ...others] = rows;
  return others.map((fields) => Object.fromEntries(head.map((name, i) => [name, fields[i] ?? ''])));
}
