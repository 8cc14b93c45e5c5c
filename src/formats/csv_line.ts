/**
 * One line of CSV, safe to open in a spreadsheet. A cell whose text begins with =, +, -, @ or a tab would be run there as a formula,
 * and such text may come from a file's name or a patient's identifier. It gets an apostrophe in front, which spreadsheets take
 * for "this is text", and which `csvReader` takes off again. Numbers stay numbers.
 */

/** Text that a spreadsheet could run, with any number of apostrophes already in front. Full-width signs count in some of them. */
const FORMULA = /^(?:['\s]*[=+\-@＝＋－＠]|'*[\t\r\n])/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** The inverse of what `csvLine` does to a cell that could be a formula. */
export const withoutApostrophe = (text: string) => (text[0] === "'" && FORMULA.test(text) ? text.slice(1) : text);

/** Fields are quoted where they need to be, also around the separators of other countries. No line end. */
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
