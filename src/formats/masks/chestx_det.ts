/**
 * Reads the annotations of ChestX-Det (Lian et al. 2021, github.com/Deepwise-AILab/ChestX-Det-Dataset): for each image a list of findings
 * (`syms`), and for each finding its polygon, in a frame of 1024 × 1024. The published file is a list of objects with `file_name`; a file of
 * objects by image name is read too.
 */
import { InputError } from '../../errors.js';
import { brief } from '../brief.js';
import { isObject } from '../checks.js';
import { fileName } from '../findings.js';
import { polygonOfPoints } from './points.js';
import type { ShapedImage, ShapeFile } from './shapes.js';

/** Side of the images in whose pixels the polygons were drawn. */
const FRAME = 1024;

const isEntry = (value: unknown) => isObject(value) && Array.isArray(value.syms) && Array.isArray(value.polygons);

export const isChestXDet = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.length > 0 && value.every((each) => isEntry(each) && typeof each.file_name === 'string')
    : isObject(value) && Object.keys(value).length > 0 && Object.values(value).every(isEntry);

/** @throws InputError if an image has another number of findings than of polygons, and for invalid polygons */
export function readChestXDet(parsed: unknown, source: string): ShapeFile {
  const entries: [string, Record<string, unknown>][] = Array.isArray(parsed)
    ? parsed.map((each) => [each.file_name, each])
    : Object.entries(parsed as Record<string, Record<string, unknown>>);
  const read = new Set<string>();
  const images = entries.map(([name, { syms, polygons }]): ShapedImage => {
    const where = `${source}: ${name}`;
    const [labels, outlines] = [syms as unknown[], polygons as unknown[]];
    if (labels.length !== outlines.length || !labels.every((label) => typeof label === 'string')) {
      throw new InputError(`${where}: findings and polygons do not belong together`, {
        expected: 'a polygon for each name of a finding',
        given: `${labels.length} names, ${brief(labels)}, and ${outlines.length} polygons`,
      });
    }
    const marks = outlines.map((points, i) => {
      const label = labels[i] as string;
      read.add(label);
      return { label, shape: { polygons: [polygonOfPoints(points, `${where}, ${label}`)] } };
    });
    return { image: fileName(name), marks, read: [] };
  });
  // The radiologists of ChestX-Det looked for all kinds of findings in every image.
  const all = [...read].sort();
  const marked = images.map((each) => ({ ...each, read: all }));
  return { format: "ChestX-Det's annotations", form: 'masks', frame: FRAME, images: marked };
}
