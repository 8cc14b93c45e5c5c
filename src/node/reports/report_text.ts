/** What reading reports from files gives, and its options. */
import type { OpenOptions } from './report_bytes.js';

export interface ReportText {
  id: string;
  text: string;
  /** Where the report is from, for messages: a file, a row, or an entry of an archive. */
  source: string;
  /** Other columns of a CSV row in the order of `aboutColumns`; '' for columns that the file does not have. */
  about?: string[];
}

/** A report or file that could not be read. Others are still read. */
export interface Problem {
  source: string;
  message: string;
}

export interface ReadReportsOptions extends OpenOptions {
  /** CSV: the column with the report, or several columns to join, such as `findings,impression`. Default: found by usual names. */
  textColumns?: readonly string[];
  /** CSV: the column with the report's identifier. Default: found by usual names. */
  idColumn?: string;
  onProblem(problem: Problem): void;
}
