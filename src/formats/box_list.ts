/** Boxes in the layout of the published `BBox_List_2017.csv`. Reading is in `chestxray.ts`; writing needs no parser. */
import { csvLine } from './csv_line.js';
import type { LabeledBox } from './image_table.js';

/** The published header, comma within a name and all. It has three columns more than the rows. */
export const BOX_HEADER = 'Image Index,Finding Label,Bbox [x,y,w,h],,,';

/** Writes boxes; a score, where given, goes into a seventh column. */
export function writeBoxList(boxes: Iterable<LabeledBox & { score?: number }>): string {
  const rows = [...boxes];
  const scored = rows.some(({ score }) => score !== undefined);
  const lines = rows.map(({ image, label, box, score }) =>
    csvLine([image, label, box.x, box.y, box.width, box.height, ...(scored ? [score] : [])]),
  );
  return [scored ? BOX_HEADER.replace(/,+$/, ',Score') : BOX_HEADER, ...lines, ''].join('\n');
}
