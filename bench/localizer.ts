import type { Row } from './report.js';
export async function benchLocalizer(_o: object, _seconds: number): Promise<Row[]> {
  return [];
}
