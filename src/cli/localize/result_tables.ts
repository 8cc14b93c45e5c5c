/**
 * Results of `raybox localize` as a CSV table of boxes or a COCO file. Neither format can be appended to safely. So the results are first
 * collected as JSON lines in FILE.part.jsonl. When all images are done, FILE is written under a temporary name and renamed, and then the
 * lines are removed. If a run is killed between these two steps, the next one finds results of an image in both files. It then takes those
 * of the lines, so that no result is doubled.
 */

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InputError } from '../../errors.js';
import { isObject } from '../../formats/checks.js';
import { csvLine, readCsv } from '../../formats/csv.js';
import { writeBoxList } from '../../formats/data_sets/box_list.js';
import { type CocoFile, toCoco } from '../../formats/data_sets/coco.js';
import { type Finding, fileName, type Prediction } from '../../formats/findings.js';
import { parseJson } from '../../formats/json.js';
import type { ImageFile } from '../../node/images/image_files.js';
import { readText, writeRefusal, writeWhole } from '../../node/text_files.js';
import { collectMadeBy, isMadeBy } from './made_by.js';
import { notOurs, openLines } from './result_lines.js';
import type { Results } from './results.js';

/** Where lines are collected until a table is whole. */
export const partOf = (path: string) => `${path}.part.jsonl`;

/** The results of an image in a table. `image` is its name there, `file` its path if the table has it. */
type Entry = Prediction & { findings: Finding[]; file?: string; madeBy?: unknown };

interface TableFormat {
  read(path: string): Promise<Entry[]>;
  write(entries: readonly Entry[]): string;
  /** The name of an image as it is read back from the table. */
  name(image: string): string;
  /** A message for the user about a table with these images. */
  note?(path: string, entries: readonly Entry[]): string | undefined;
}

/**
 * Opens a table, new or from an earlier run.
 * @param files the images of this run
 * @throws InputError if the table has other content, or if it has an image whose name several of `files` have
 */
export async function openTable(path: string, kind: 'csv' | 'coco', files: readonly ImageFile[]): Promise<Results> {
  const format = kind === 'csv' ? csvFormat : cocoFormat;
  const part = partOf(path);
  const hint = `what is done is kept in ${part}: the same command goes on from there`;
  const before = existsSync(path) ? await format.read(path) : [];
  const find = finder(path, before, format, files);
  const lines = await openLines(part, hint);
  const [first] = before.flatMap(({ probabilities }) => (probabilities ? [Object.keys(probabilities)] : []));
  const made = collectMadeBy();
  for (const { madeBy } of before) made.add(madeBy);
  for (const madeBy of lines.madeBy) made.add(madeBy);
  return {
    madeBy: made.all(),
    isUnmarked: made.isUnmarked() || lines.isUnmarked,
    classes: lines.classes ?? first,
    files: [...before.flatMap(({ file }) => file ?? []), ...lines.files],
    has: (file) => find(file.path) !== undefined || lines.has(file),
    add: lines.add,
    async finish() {
      const added = await lines.read();
      const replaced = new Set(added.map(({ file }) => find(file)));
      const entries = tellApart([...before.filter((entry) => !replaced.has(entry)), ...added]);
      await writeWhole(path, format.write(entries)).catch((error) => {
        throw writeRefusal(path, (error as Error).cause ?? error, hint);
      });
      await lines.close();
      await rm(part, { force: true });
      return format.note?.(path, entries);
    },
    suspend: lines.close,
  };
}

/**
 * Gives a function that finds the entry of an image by its path. An entry with a path belongs to that path only. An entry without one
 * belongs to the only image with its name.
 */
function finder(path: string, entries: readonly Entry[], { name }: TableFormat, files: readonly ImageFile[]) {
  const byPath = new Map<string, Entry>();
  const byName = new Map<string, Entry>();
  for (const entry of entries) {
    const { image, file = /[/\\]/.test(image) ? image : undefined } = entry;
    if (file === undefined) byName.set(image, entry);
    else byPath.set(kindOf(file), entry);
  }
  const twins = new Map<string, string>();
  for (const { path: file } of files) {
    const bare = name(fileName(file));
    const twin = twins.get(bare);
    if (twin !== undefined && byName.has(bare)) {
      throw new InputError(`${path} has ${bare} without its folder, and several of the images are called so`, {
        given: `${twin}, ${file}`,
        hint: 'name another file for these results',
      });
    }
    twins.set(bare, file);
  }
  function kindOf(file: string): string {
    return name(resolve(file));
  }
  return (file: string) => byPath.get(kindOf(file)) ?? byName.get(name(fileName(file)));
}

/**
 * Names images by their files' names, or by their paths if several images have the same name. An image that was named by its path before
 * keeps that name.
 */
function tellApart(entries: readonly Entry[]): Entry[] {
  const pathOf = ({ image, file }: Entry) => file ?? image;
  const counts = new Map<string, number>();
  for (const entry of entries) {
    const bare = fileName(pathOf(entry));
    counts.set(bare, (counts.get(bare) ?? 0) + 1);
  }
  return entries.map((entry) => {
    const bare = fileName(pathOf(entry));
    const isAlone = counts.get(bare) === 1 && (entry.file !== undefined || entry.image === bare);
    return { ...entry, image: isAlone ? bare : pathOf(entry) };
  });
}

/** An image without findings has no row in this table, so a later run localizes it again. */
const csvFormat: TableFormat = {
  async read(path) {
    const entries = new Map<string, Entry>();
    readCsv(await readText(path), ([image, label, x, y, width, height, score], row) => {
      if (row === 1) {
        if (!/^image index$/i.test(image)) throw notOurs(path, image.slice(0, 60));
        return;
      }
      const [left, top, right, bottom] = [x, y, width, height].map(Number);
      const box = { x: left, y: top, width: right, height: bottom };
      const entry = entries.get(image) ?? { image, findings: [] };
      entries.set(image, entry);
      entry.findings.push({ label, box, score: score ? Number(score) : Number.NaN });
    });
    return [...entries.values()];
  },
  write: (entries) =>
    writeBoxList(
      entries.flatMap(({ image, findings }) =>
        findings.map(({ label, box, score }) => ({ image, label, box, ...(Number.isNaN(score) ? {} : { score }) })),
      ),
    ),
  name(image) {
    let read = image;
    readCsv(csvLine([image]), ([field]) => {
      read = field;
    });
    return read;
  },
  note(path, entries) {
    const count = entries.filter(({ findings }) => findings.length === 0).length;
    if (count === 0) return undefined;
    const who = count === 1 ? '1 image without findings has' : `${count} images without findings have`;
    return `${who} no row in ${path}, so the same command does such images again; .jsonl and .coco.json keep them.`;
  },
};

/** Besides the fields of COCO, the entries of `images` have `file`, the path as it was given, and `info` has what all results were made by. */
const cocoFormat: TableFormat = {
  async read(path) {
    const { info, images, categories, annotations } = (parseJson(await readText(path), path) ??
      {}) as Partial<CocoFile>;
    if (![images, categories, annotations].every((list) => Array.isArray(list) && list.every(isObject)))
      throw notOurs(path);
    const madeBy: unknown = info?.madeBy;
    if (madeBy !== undefined && !isMadeBy(madeBy)) throw notOurs(path, 'a madeBy that raybox would not write');
    const entries = new Map<unknown, Entry>();
    for (const { id, file_name, ...rest } of images as (CocoFile['images'][number] & { file?: string })[]) {
      if (typeof file_name !== 'string') throw notOurs(path, 'an image without file_name');
      entries.set(id, { image: file_name, findings: [], ...rest, ...(madeBy ? { madeBy } : {}) });
    }
    const labels = new Map((categories as CocoFile['categories']).map(({ id, name }) => [id, name]));
    for (const { image_id, category_id, bbox, score } of annotations as CocoFile['annotations']) {
      const [entry, label] = [entries.get(image_id), labels.get(category_id as number)];
      if (!entry || typeof label !== 'string' || !Array.isArray(bbox)) throw notOurs(path, 'an annotation of nothing');
      const [x, y, width, height] = bbox;
      entry.findings.push({ label, score, box: { x, y, width, height } });
    }
    return [...entries.values()];
  },
  write(entries) {
    const classes = new Set(entries.flatMap(({ probabilities = {} }) => Object.keys(probabilities)));
    for (const { findings } of entries) for (const { label } of findings) classes.add(label);
    const coco = toCoco(entries, [...classes]);
    const images = coco.images.map((image, i) => ({ ...image, file: entries[i].file }));
    // If results of an earlier version are among them, nothing can be said about all.
    const [first] = entries;
    const isSame = entries.every(({ madeBy }) => JSON.stringify(madeBy) === JSON.stringify(first.madeBy));
    const info = { ...coco.info, ...(isSame && first?.madeBy ? { madeBy: first.madeBy } : {}) };
    return `${JSON.stringify({ ...coco, info, images })}\n`;
  },
  name: (image) => image,
};
