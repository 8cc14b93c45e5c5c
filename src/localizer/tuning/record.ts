/**
 * What is kept of tuning, as text: one record for each adapter, driver and version of the kernels. A record may have been damaged or written by
 * somebody else, so it is checked when it is read. It only ever chooses among kernels that can run a work, all of which compute the same
 * within the bounds, so a wrong record costs time and no results.
 */
import { InputError } from '../../errors.js';
import type { Traits } from '../../graph/ir/operation.js';
import type { Measured, MeasuredWorks } from '../../graph/tuning/choose.js';
import { OPERATIONS_VERSION } from '../../ops/generated/version.js';
import { hashOf } from '../weights/integrity.js';

/** Characters of a record. A work takes some 300. */
export const MAX_LENGTH = 4 << 20;
/** Works of a record. If there are more, those that were measured first are dropped. */
const MAX_WORKS = 8000;
const MAX_KEY = 4000;
const FORMAT = 'raybox tuning';

/** What times depend on, besides the work. Measurements are used only where all of it is the same. */
interface Circumstances {
  /** With the driver and its version, where the platform tells them. */
  readonly adapter: string;
  /** The browser, or the JavaScript runtime. */
  readonly host: string;
  /** What the adapter and its limits allow. */
  readonly traits: Traits;
  /** The version of the kernels and of the operations that run them. */
  readonly operations: string;
}

export interface TuningRecord extends Circumstances {
  /** When it was last changed, as ISO 8601. */
  readonly changed: string;
  readonly works: MeasuredWorks;
}

export const circumstancesOf = ({ adapter, host, traits }: Omit<Circumstances, 'operations'>): Circumstances => ({
  ...{ adapter, host, traits },
  operations: OPERATIONS_VERSION,
});

/** The name under which the record is kept. */
export async function keyOf(circumstances: Circumstances): Promise<string> {
  const { adapter, host, traits, operations } = circumstances;
  const hash = await hashOf(new TextEncoder().encode(JSON.stringify([adapter, host, traits, operations])), 'sha256');
  return Array.from(hash.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @throws InputError for a text that is no record */
export function parseRecord(text: string): TuningRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw notARecord('it is not JSON', cause);
  }
  if (!isObject(value) || value.format !== FORMAT) throw notARecord(`its format is not "${FORMAT}"`);
  const { adapter, host, traits, operations, changed, works } = value;
  const told = [adapter, host, operations, changed];
  if (!told.every((one) => typeof one === 'string') || !isObject(traits) || !isObject(works))
    throw notARecord('a field is missing');
  const entries = Object.entries(works);
  if (entries.length > MAX_WORKS) throw notARecord(`it has ${entries.length} works`);
  for (const [key, measured] of entries)
    if (key.length > MAX_KEY || !isMeasured(measured)) throw notARecord(`its work ${key.slice(0, 100)} is damaged`);
  return { ...value, works: new Map(entries) } as unknown as TuningRecord;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isMeasured = (value: unknown): value is Measured =>
  isObject(value) &&
  typeof value.variant === 'string' &&
  isObject(value.nanoseconds) &&
  Object.keys(value.nanoseconds).length <= 100 &&
  Object.values(value.nanoseconds).every((time) => typeof time === 'number' && time >= 0);

const notARecord = (given: string, cause?: unknown) =>
  new InputError('what was kept of tuning cannot be read', { given, ...(cause ? { cause } : {}) });

/** The works of a record. @throws InputError for a text that is no record, or for one that was made under other circumstances */
export function worksIn(text: string, own: Circumstances): MeasuredWorks {
  const record = parseRecord(text);
  const textOf = ({ adapter, host, traits, operations }: Circumstances) =>
    JSON.stringify([adapter, host, Object.entries(traits).sort(), operations]);
  if (textOf(record) !== textOf(own)) throw notARecord('it was measured elsewhere, or with other kernels');
  return record.works;
}

/** The text of a record with more works. Those that are measured again are replaced. */
export function extendRecord(before: MeasuredWorks, more: MeasuredWorks, circumstances: Circumstances): string {
  const all = new Map([...before].filter(([key]) => !more.has(key)));
  for (const [key, measured] of more) if (key.length <= MAX_KEY) all.set(key, measured);
  const works = Object.fromEntries([...all].slice(-MAX_WORKS));
  return `${JSON.stringify({ format: FORMAT, ...circumstances, changed: new Date().toISOString(), works })}\n`;
}
