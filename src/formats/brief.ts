/** Shows values from files in messages. */

/** A value from a file, shortened for an error message. Only one level is shown, because a value from a pickle may contain itself. */
export function brief(value: unknown): string {
  const plain = (item: unknown) =>
    Array.isArray(item) ? '[…]' : typeof item === 'object' && item !== null ? '{…}' : String(item).slice(0, 80);
  if (!Array.isArray(value)) return typeof value === 'string' ? `'${plain(value)}'` : plain(value);
  return `[${value.slice(0, 8).map(plain).join(', ')}${value.length > 8 ? ', …' : ''}]`;
}
