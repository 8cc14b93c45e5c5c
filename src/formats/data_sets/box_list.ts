/** Writes boxes in the layout of the published `BBox_List_2017.csv`. They are read in `labeled_boxes.ts`, because that needs a parser. */
import { csvLine } from '../csv_line.js';
import type { LabeledBox } from './image_table.js';

/** The published header, which has commas within a name. It has three columns more than the rows. */
export const BOX_HEADER = 'Image Index,Finding Label,Bbox [x,y,w,h],,,';

/** Writes boxes. If any has a score, the scores are in a seventh column. */
export function writeBoxList(boxes: Iterable<LabeledBox & { score?: number }>): string {
  const rows = [...boxes];
  const scored = rows.some(({ score }) => score !== undefined);
  const lines = rows.map(({ image, label, box, score }) =>
    csvLine([image, label, box.x, box.y, box.width, box.height, ...(scored ? [score] : [])]),
  );
  return [scored ? BOX_HEADER.replace(/,+$/, ',Score') : BOX_HEADER, ...lines, ''].join('\n');
}
