/** What package.json says about raybox. */
import { readFileSync } from 'node:fs';

export const packageFacts = (): { version: string; description: string } =>
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
