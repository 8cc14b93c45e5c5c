/**
 * Writes lines of CSV that are safe to open in a spreadsheet. A spreadsheet runs a cell as a formula if its text begins with =, +, -, @ or a
 * tab, and such a text may be a file's name or a patient's identifier. So an apostrophe is put before it, by which spreadsheets know a
 * text. `csvReader` removes it again. Numbers are not changed.
 */

/** A text that a spreadsheet could run as a formula, after any number of apostrophes. Some spreadsheets accept full-width signs too. */
const FORMULA = /^(?:['\s]*[=+\-@＝＋－＠]|'*[\t\r\n])/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** Removes the apostrophe that `csvLine` has put before a text that could be a formula. */
export const withoutApostrophe = (text: string) => (text[0] === "'" && FORMULA.test(text) ? text.slice(1) : text);

/** One line without a line end. Fields are quoted if necessary, also those with a semicolon or a tab, which separate columns in other files. */
export function csvLine(fields: readonly (string | number | null | undefined)[]): string {
  return fields
    .map((field) => {
      if (field === null || field === undefined || Number.isNaN(field)) return '';
      if (typeof field === 'number') return String(field);
      const text = FORMULA.test(field) && !NUMBER.test(field) ? `'${field}` : field;
      return /[",;\t\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
    })
    .join(',');
}
