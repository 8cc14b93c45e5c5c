/**
 * The three kinds of table that `raybox mine` writes: as `Data_Entry_2017.csv`, with a column for each disease, or with CheXpert's columns.
 */
import { InputError } from '../../errors.js';
import { aboutColumns } from '../../node/reports/report_table.js';
import type { ReportText } from '../../node/reports/report_text.js';
import { chexpertLabels, mineChexpert } from '../../reports/chexpert.js';
import { type Disease, diseases, eightDiseases } from '../../reports/lexicon.js';
import { type MineOptions, mineReport, type ReportLabels } from '../../reports/mine.js';

/** Which columns and classes the table of `raybox mine` has. */
export interface TableOptions extends Pick<MineOptions, 'uncertain'> {
  /** `data-entry` (default): rows as in `Data_Entry_2017.csv`. `wide`: a column for each disease, as CheXpert's table always has. */
  format?: 'data-entry' | 'wide';
  /** The fourteen classes of ChestX-ray14 (default), the eight of ChestX-ray8, or the fourteen columns of CheXpert's labeller. */
  classes?: 'fourteen' | 'eight' | 'chexpert';
  /** Is appended to the identifier of a report to make the name of its image, for example `.png`. */
  suffix?: string;
  /** Whether results have the evidence for each label. */
  explain?: boolean;
}

/** The result for one report. */
export interface MinedReport {
  cells: (string | number)[];
  /** The names of the columns that count as present. */
  found: readonly string[];
  normal: boolean;
  empty: boolean;
  /** The line for `--explain`. */
  result: object;
}

/** The form of a table: its header, and how a report becomes a row. */
export interface MineTable {
  header: string[];
  /** The names of the columns that are counted. */
  names: readonly string[];
  mine(report: ReportText): MinedReport;
}

/** @throws InputError if format and classes contradict each other */
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

/**
 * The columns of CheXpert's labeller, but its first column has the identifier in place of the text. The cell of what is not mentioned is
 * empty.
 */
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

/** A row as in `Data_Entry_2017.csv`. "No Finding" means none of the listed diseases; Normal means no abnormality of any kind. */
function entryRow(names: readonly Disease[], image: string, about: readonly string[], result: ReportLabels): Cells {
  const present = names.filter((name) => result.findings.includes(name));
  return [image, present.join('|') || 'No Finding', ...about, Number(result.normal)];
}

/**
 * A row with a cell for each disease: 1 counts as present, -1 is uncertain and does not, 0 is negated, and an empty cell is not mentioned.
 */
function wideRow(names: readonly Disease[], image: string, { findings, labels, normal }: ReportLabels): Cells {
  const cell = (name: Disease): string | number => {
    if (findings.includes(name)) return 1;
    const status = labels[name];
    return status === undefined ? '' : status === 'negative' ? 0 : -1;
  };
  return [image, ...names.map(cell), Number(normal)];
}

/**
 * Follow-up, patient, age, sex and view of a report. They are from its CSV row, or else from a ChestX-ray name such as `00000012_003`. If
 * neither names the patient, the report gets a patient of its own with the identifier of the report. A running number could be the same as
 * that of another patient.
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
