/** Finds places for labels, so that none covers another. */
import type { Rect } from './canvas.js';

/** A place for a label near its box, inside `area` and without covering another label; undefined if there is none. */
export function placeLabel(
  label: { width: number; height: number },
  box: Rect,
  area: Rect,
  taken: readonly Rect[],
): Rect | undefined {
  const width = Math.min(area.width, label.width);
  const { height } = label;
  if (height > area.height) return undefined;
  const right = area.x + area.width - width;
  const bottom = area.y + area.height - height;
  const at = (x: number, y: number): Rect => ({
    x: Math.min(right, Math.max(area.x, x)),
    y: Math.min(bottom, Math.max(area.y, y)),
    width,
    height,
  });
  const columns = [box.x, box.x + box.width - width, box.x + box.width, box.x - width];
  const rows = [box.y - height, box.y + box.height, box.y, box.y + box.height - height];
  const candidates = rows.flatMap((y) => columns.map((x) => at(x, y)));
  // If all of those are taken, places further away are tried, alternately above and below the box.
  for (let step = 1; step * height < area.height; step++)
    candidates.push(at(box.x, box.y - (step + 1) * height), at(box.x, box.y + box.height + step * height));
  return candidates.find((place) => !taken.some((other) => overlaps(place, other)));
}

function overlaps(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
