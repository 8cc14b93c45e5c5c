/** Reads the code blocks and links of documentation pages, so that tests can check them. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';

export interface Page {
  /** Path in the repository. */
  readonly page: string;
  readonly text: string;
  /** `kind` is a second word behind the language. */
  readonly blocks: readonly { readonly language: string; readonly kind: string | undefined; readonly code: string }[];
}

const root = new URL('../../../', import.meta.url).pathname;

export function readPage(page: string): Page {
  const text = readFileSync(join(root, page), 'utf8');
  return { page, text, blocks: blocksOf(text) };
}

/** The code of a page, or of a part of one. */
export const blocksOf = (text: string): Page['blocks'] =>
  [...text.matchAll(/^```(\w*)(?: (\w+))?\n([\s\S]*?)^```$/gm)].map(([, language, kind, code]) => ({
    ...{ language, kind, code },
  }));

/** Paths from the repository's root of what a page links to. */
export const linkedFiles = ({ page, text }: Page): string[] =>
  [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, target]) => join(dirname(page), target));

/** Fails if a link does not lead to a file of the repository, or to a heading of the page. */
export function assertLinks({ page, text }: Page): void {
  for (const [, target, heading] of text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)) {
    const file = target ? join(root, dirname(page), target) : join(root, page);
    assert.ok(existsSync(file), target);
    if (heading) assert.ok(anchorsOf(readFileSync(file, 'utf8')).includes(heading), `${target}#${heading}`);
  }
}

const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
