/** The tables that `raybox mine` writes: like `Data_Entry_2017.csv`, a column per disease, CheXpert's columns. */
import { InputError } from '../errors.js';
import type { ReportText } from '../node/report_files.js';
import { aboutColumns } from '../node/report_table.js';
import { chexpertLabels, mineChexpert } from '../reports/chexpert.js';
import { type Disease, diseases, eightDiseases } from '../reports/lexicon.js';
import { type MineOptions, mineReport, type ReportLabels } from '../reports/mine.js';

export interface TableOptions extends Pick<MineOptions, 'uncertain'> {
  /**
   * `data-entry` (the default): a row like `Data_Entry_2017.csv`'s. `wide`: a column per disease. CheXpert's columns are
   * always wide.
   */
  format?: 'data-entry' | 'wide';
  /** The fourteen of ChestX-ray14 (the default), the eight of ChestX-ray8, or the fourteen columns of CheXpert's labeller. */
  classes?: 'fourteen' | 'eight' | 'chexpert';
  /** Put behind each report's identifier to give the image's name, like `.png`. */
  suffix?: string;
  /** Evidence is wanted. */
  explain?: boolean;
}

/** What one report gives. */
export interface MinedReport {
  cells: (string | number)[];
  /** The columns that count as present. */
  found: readonly string[];
  normal: boolean;
  empty: boolean;
  /** For `--explain`. */
  result: object;
}

export interface MineTable {
  header: string[];
  /** The names that are counted. */
  names: readonly string[];
  mine(report: ReportText): MinedReport;
}

/** @throws InputError where format and classes contradict each other. */
export function mineTable(options: TableOptions): MineTable {
  if (options.classes === 'chexpert') return chexpertTable(options);
  const names = options.classes === 'eight' ? eightDiseases : diseases;
  const wide = options.format === 'wide';
  const about = aboutColumns.map(([name]) => name!);
  return {
    header: wide ? ['Image Index', ...names, 'Normal'] : ['Image Index', 'Finding Labels', ...about, 'Normal'],
    names: diseases,
    mine(report) {
      const result = mineReport(report.text, { uncertain: options.uncertain, explain: options.explain === true });
      const image = `${report.id}${options.suffix ?? ''}`;
      const cells = wide ? wideRow(names, image, result) : entryRow(names, image, aboutOf(report), result);
      const { findings: found, normal, empty } = result;
      return { cells, found, normal, empty, result };
    },
  };
}

/** CheXpert's labeller writes a report's text in its first column; here it is the identifier. Not mentioned is empty. */
function chexpertTable({ format, uncertain, suffix = '' }: TableOptions): MineTable {
  if (format === 'data-entry' || (uncertain !== undefined && uncertain !== 'cue')) {
    throw new InputError('mine: these options do not go together', {
      expected: 'with chexpert as the classes the wide format, and uncertain labels as they are: -1',
      given: format === 'data-entry' ? 'the format data-entry' : `the policy ${uncertain} for uncertain labels`,
    });
  }
  return {
    header: ['Image Index', ...chexpertLabels],
    names: chexpertLabels,
    mine({ id, text }) {
      const result = mineChexpert(text);
      const found = chexpertLabels.filter((name) => result.values[name] === 1);
      const cells = [`${id}${suffix}`, ...chexpertLabels.map((name) => result.values[name] ?? '')];
      return { cells, found, normal: result.values['No Finding'] === 1, empty: result.empty, result };
    },
  };
}

type Cells = (string | number)[];

/** "No Finding" means none of the listed diseases; Normal means no abnormality of any kind. */
function entryRow(names: readonly Disease[], image: string, about: readonly string[], result: ReportLabels): Cells {
  const present = names.filter((name) => result.findings.includes(name));
  return [image, present.join('|') || 'No Finding', ...about, Number(result.normal)];
}

/** 1 (counts as present under the policy), -1 (uncertain, and does not), 0 (negated) or empty (not mentioned). */
function wideRow(names: readonly Disease[], image: string, { findings, labels, normal }: ReportLabels): Cells {
  const cell = (name: Disease): string | number => {
    if (findings.includes(name)) return 1;
    const status = labels[name];
    return status === undefined ? '' : status === 'negative' ? 0 : -1;
  };
  return [image, ...names.map(cell), Number(normal)];
}

/**
 * Follow-up, patient, age, sex and view of a report: what its CSV row says, else what a ChestX-ray name like
 * `00000012_003` says, else a patient of its own, who is called like the report: a running number could be another
 * report's patient.
 */
function aboutOf({ id, about }: ReportText): readonly string[] {
  if (about && about[1] !== '') return about;
  const [, patient, followUp] = /^(\d{8})_(\d{3})$/.exec(id) ?? [];
  const known = about ?? aboutColumns.map(() => '');
  return [
    known[0] || String(Number(followUp ?? 0)),
    patient === undefined ? id : String(Number(patient)),
    ...known.slice(2),
  ];
}
