/**
 * Reads comma-separated values in pieces, so that a file of any length needs only the memory of its longest row. Papaparse does the
 * parsing. This module adds limits, row numbers, and errors that name the row.
 */

import { InputError } from '../errors.js';
import Papa from '../vendor/papaparse.js';
import { withoutApostrophe } from './csv_line.js';

export { csvLine } from './csv_line.js';

export interface CsvOptions {
  /** The name of the text in errors, usually that of the file. */
  source?: string;
  /** Longest row, in characters. Without a limit, a quote that is never closed would make the rest of the file one row. */
  maxRowLength?: number;
  maxRows?: number;
}

/** Called for each row that is not empty. `row` is its number, counted from 1 with the header and empty rows included. */
export type OnRow = (fields: string[], row: number) => void;

/** Takes text in pieces of any size. `end` must be called after the last piece, or else the last row is lost. */
export interface CsvReader {
  write(text: string): void;
  end(): void;
}

/**
 * A reader that accepts a byte-order mark, every kind of line end (also mixed) and quoted fields with commas,
 * quotes and line ends in them. It removes the apostrophe that `csvLine` puts before a text that could be a formula.
 *
 * @throws InputError for a quote that is not closed or that is closed in the middle of a field, for a row longer than `maxRowLength`,
 *   and for more rows than `maxRows`.
 */
export function csvReader(onRow: OnRow, options: CsvOptions = {}): CsvReader {
  const { source = 'CSV', maxRowLength = 1 << 20, maxRows = 20_000_000 } = options;
  let parser: Papa.Parser | undefined;
  let pending = '';
  let row = 0;

  function parse(last: boolean) {
    // Lines end in '\n', and a '\r' before it is removed from the row's last field below, so that files with mixed line ends can be
    // read. '\r' alone ends lines only if the text has no '\n'.
    parser ??= new Papa.Parser({ newline: pending.includes('\r') && !pending.includes('\n') ? '\r' : '\n' });
    const { data, errors, meta } = parser.parse(pending, 0, !last) as Papa.ParseResult<string[]>;
    const broken = errors.find((error) => last || (error.row ?? 0) < data.length);
    if (broken) {
      throw new InputError(`${source}: row ${row + (broken.row ?? 0) + 1} is not valid CSV`, {
        expected: 'quoted fields that end in a quote followed by a comma or a line end, with quotes inside doubled',
        given: broken.message,
      });
    }
    for (const fields of data) {
      row += 1;
      if (row > maxRows) throw new InputError(`${source}: too many rows`, { expected: `at most ${maxRows}` });
      const final = fields.length - 1;
      if (fields[final].endsWith('\r')) fields[final] = fields[final].slice(0, -1);
      if (fields.length > 1 || fields[0] !== '') onRow(fields.map(withoutApostrophe), row);
    }
    pending = pending.slice(meta.cursor);
    if (pending.length > maxRowLength) {
      throw new InputError(`${source}: row ${row + 1} is too long`, {
        expected: `at most ${maxRowLength} characters in a row`,
        hint: 'A quote that opens a field and is never closed reads like this.',
      });
    }
  }

  let started = false;
  return {
    write(text) {
      if (!started && text !== '') {
        started = true;
        if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
      }
      for (let at = 0; at < text.length; at += maxRowLength) {
        pending += text.slice(at, at + maxRowLength);
        // The text is parsed later if it ends in '\r', which may be the first half of a line end. It is also parsed later if it has had no
        // '\n' so far, because the kind of line end is not known then.
        const undecided = parser === undefined && !pending.includes('\n') && pending.length < maxRowLength;
        if (!undecided && !pending.endsWith('\r')) parse(false);
      }
    },
    end() {
      if (pending !== '') parse(true);
    },
  };
}

/** Reads one whole text. */
export function readCsv(text: string, onRow: OnRow, options: CsvOptions = {}): void {
  const reader = csvReader(onRow, options);
  // The text is written in pieces, so that memory of rows which the caller does not keep can be freed in between.
  for (let at = 0; at < text.length; at += 1 << 18) reader.write(text.slice(at, at + (1 << 18)));
  reader.end();
}

/** A decimal number with a decimal point. NaN for any other text, such as `0x1`, `50%` and `0,5`. */
export const numberIn = (text: string | undefined): number =>
  /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i.test(text ?? '') ? Number(text) : Number.NaN;

/** A column's name in the form in which names are compared: in lower case, without spaces around it. */
export const normalizeHeader = (name: string) => name.trim().toLowerCase();

/** Advice for a header that was read as one cell because its columns are separated by something else than commas. */
export function separatorHint(header: readonly string[]): string | undefined {
  const other = header.length === 1 ? { ';': 'semicolons', '\t': 'tabs' } : {};
  const found = Object.entries(other).find(([separator]) => header[0].includes(separator));
  return found && `columns are separated by ${found[1]}: save the file with commas`;
}

/**
 * Positions of named columns. Each column may have one of several names. Case and surrounding spaces do not matter.
 *
 * @returns a position for each key, -1 for an optional column that is missing
 * @throws InputError that lists the required columns that are missing and the header; also if two columns have the same name
 */
export function findColumns<Key extends string>(
  header: readonly string[],
  names: Record<Key, readonly string[]>,
  options: { optional?: readonly NoInfer<Key>[]; source?: string } = {},
): Record<Key, number> {
  const { optional = [], source = 'CSV' } = options;
  const have = header.map(normalizeHeader);
  const keys = Object.keys(names) as Key[];
  const found = keys.map((key) => {
    const accepted = names[key].map(normalizeHeader);
    const at = have.findIndex((name) => accepted.includes(name));
    if (at >= 0 && have.indexOf(have[at], at + 1) >= 0) {
      throw new InputError(`${source}: two columns are called ${JSON.stringify(header[at].slice(0, 60))}`, {
        hint: 'leave one of them out',
      });
    }
    return at;
  });
  const missing = keys.filter((key, i) => found[i] < 0 && !optional.includes(key));
  if (missing.length > 0) {
    const shown = header.slice(0, 20).map((name) => JSON.stringify(name.slice(0, 60)));
    throw new InputError(`${source}: ${missing.length > 1 ? 'columns are' : 'a column is'} missing`, {
      expected: missing.map((key) => JSON.stringify(names[key][0])).join(', '),
      given: `the header ${shown.join(', ')}${header.length > 20 ? ', …' : ''}`,
      ...(separatorHint(header) ? { hint: separatorHint(header) } : {}),
    });
  }
  return Object.fromEntries(keys.map((key, i) => [key, found[i]])) as Record<Key, number>;
}
