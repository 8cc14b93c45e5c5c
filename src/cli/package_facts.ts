/** Facts about this package, for the command line and for what it writes. */
import { readFileSync } from 'node:fs';

/** What package.json says about raybox. */
export const packageFacts = (): { version: string; description: string } =>
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
