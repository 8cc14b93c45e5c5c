/** What came of comparing all kernels with float64. */
export interface Verification {
  readonly checked: number;
  /** Cases that were not run for lack of time. */
  readonly left: number;
  readonly failures: readonly { readonly label: string; readonly failure: string }[];
  /** The largest NMSE by operation, element type and variant; for a result that is no number, the largest number. */
  readonly worst: Readonly<Record<string, number>>;
}

/** The most failures that are listed as text. The JSON has all of them. */
const LISTED = 20;

export function formatVerification({ checked, left, failures }: Verification): string {
  const told = failures.slice(0, LISTED).map(({ label, failure }) => `wrong: ${label}: ${failure.split('\n')[0]}`);
  if (failures.length > LISTED) told.push(`and ${failures.length - LISTED} more`);
  const rest = left > 0 ? `, ${left} left for lack of time` : '';
  return [`verified ${checked} cases, ${failures.length} wrong${rest}`, ...told].join('\n');
}
