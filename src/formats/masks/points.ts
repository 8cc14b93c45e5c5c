/** Polygons that are lists of points. */
import { InputError } from '../../errors.js';
import { brief } from '../brief.js';
import type { Polygon } from './polygon.js';

/** The most corners of a polygon. An outline that was drawn by hand has some hundreds. */
const MAX_CORNERS = 100_000;

const isPoint = (value: unknown): value is [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every(Number.isFinite);

/** `[[x, y], [x, y], …]` as corners in turn. @throws InputError for other values, or more than 100,000 points */
export function polygonOfPoints(points: unknown, where: string): Polygon {
  if (Array.isArray(points) && points.length <= MAX_CORNERS && points.every(isPoint)) return points.flat();
  throw new InputError(`${where} has a polygon that is no list of points`, {
    expected: `[[x, y], [x, y], …], at most ${MAX_CORNERS}`,
    given: Array.isArray(points) ? brief(points.find((each) => !isPoint(each)) ?? points) : brief(points),
  });
}

/** `[x, y, x, y, …]`, as COCO writes it. @throws InputError for other values */
export function polygonOfNumbers(numbers: unknown, where: string): Polygon {
  if (Array.isArray(numbers) && numbers.length <= 2 * MAX_CORNERS && numbers.every(Number.isFinite)) return numbers;
  throw new InputError(`${where} has a polygon that is no list of numbers`, {
    expected: `[x, y, x, y, …], at most ${MAX_CORNERS} corners`,
    given: brief(numbers),
  });
}
