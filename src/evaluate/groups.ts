/** Groups of images that are scored separately. */
import { type ImageTable, SEXES, VIEWS } from '../formats/data_sets/image_table.js';
import type { Scored } from './localize.js';

/** Test images grouped by view, sex and age, as far as the label file has them. */
export function groupsOf(
  table: ImageTable,
  all: Scored[],
  test: number[],
  ageLimits: readonly number[] = [18, 40, 60, 80],
) {
  const ageGroup = (age: number) => {
    if (Number.isNaN(age)) return '';
    const at = ageLimits.findIndex((limit) => age < limit);
    if (at < 0) return `${ageLimits.at(-1)}+`;
    return at === 0 ? `under ${ageLimits[0]}` : `${ageLimits[at - 1]}–${ageLimits[at] - 1}`;
  };
  const keys: Record<string, (row: number) => string> = {
    view: (row) => VIEWS[table.views[row]],
    sex: (row) => SEXES[table.sexes[row]],
    age: (row) => ageGroup(table.ages[row]),
  };
  return Object.entries(keys).flatMap(([by, keyOf]) => {
    const groups = new Map<string, number[]>();
    for (const i of test) {
      const group = keyOf(all[i].row);
      const known = groups.get(group);
      if (known) known.push(i);
      else groups.set(group, [i]);
    }
    groups.delete('');
    if (groups.size < 2) return [];
    const order = [`under ${ageLimits[0]}`, ...[...groups.keys()].sort()];
    return [...groups]
      .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
      .map(([group, rows]) => ({ by, group, rows }));
  });
}
