/** Results as they are sent to others: without anything that says whose machine it was. */
import type { Results, Row } from '../results.js';

/** What a shared file has, for those who are asked to send one. */
export const SHARED_CONTENTS = [
  'the day',
  'the adapter’s name, driver and WebGPU features',
  'the processor’s name, the number of cores, the operating system (in a page, also the browser)',
  'versions of raybox, Node and webgpu',
  'roofs, times, differences from float64, and messages of what failed, without paths of files',
];

/** A copy with only what `SHARED_CONTENTS` says. */
export function shared({
  layout,
  date,
  adapter,
  machine,
  versions,
  roofs,
  rows,
  verification,
  note,
}: Results): Results {
  return {
    layout,
    date: date.slice(0, 10),
    adapter: { name: adapter.name, software: adapter.software, features: adapter.features },
    machine: { cpu: machine.cpu, cores: machine.cores, platform: machine.platform },
    versions,
    ...(roofs ? { roofs } : {}),
    rows: rows.map((row) =>
      row.failure === undefined ? row : ({ ...row, failure: withoutPaths(row.failure) } as Row),
    ),
    ...(verification
      ? {
          verification: {
            ...verification,
            failures: verification.failures.map(({ label, failure }) => ({ label, failure: withoutPaths(failure) })),
          },
        }
      : {}),
    ...(note ? { note } : {}),
  };
}

/** The first line of a message. Paths of folders, and addresses, are replaced by the last part. */
export const withoutPaths = (text: string): string =>
  text
    .split('\n')[0]
    .slice(0, 500)
    .replace(/\b(?:file|https?):\/\/[^\s'")]*\/([^\s'")/]*)/g, '…/$1')
    .replace(/(?:[A-Za-z]:\\|\\\\)(?:[^\s'"\\]+\\)+/g, '…\\')
    .replace(/(^|[\s'"(=])(?:~|\.{1,2})?\/(?:[^\s'"/()]+\/)+/g, '$1…/');

/** The name of an adapter for use in file names, in letters, digits and dashes. */
export const fileNameFrom = (adapter: string): string =>
  adapter
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replace(/^-|-$/g, '') || 'adapter';
