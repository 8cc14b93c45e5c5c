/** Reads the page of examples: the files of each section, whose names are in their first lines, and the commands. */
import { blocksOf, readPage } from './markdown.js';

export const EXAMPLES_PAGE = 'test/examples/README.md';

export interface Example {
  readonly title: string;
  /** Contents by path. */
  readonly files: Readonly<Record<string, string>>;
  readonly commands: readonly string[];
}

/** Every section that has code. @throws Error for code that has no file name and is not for a shell */
export function readExamples(): Example[] {
  const [, ...sections] = readPage(EXAMPLES_PAGE).text.split(/^## /m);
  return sections.map((text) => {
    const title = text.slice(0, text.indexOf('\n'));
    const files: Record<string, string> = {};
    const commands: string[] = [];
    for (const { language, code } of blocksOf(text)) {
      const name = /^(?:\/\/|#|<!--) ([\w./]+)(?: -->)?\n/.exec(code)?.[1];
      if (language === 'sh') commands.push(...code.trimEnd().split('\n'));
      else if (name === undefined)
        throw new Error(`${EXAMPLES_PAGE}, ${title}: code that does not say its file's name`);
      else files[name] = code;
    }
    return { title, files, commands };
  });
}

/** @throws Error where the page has no such section. */
export function readExample(title: string): Example {
  const found = readExamples().find((example) => example.title === title);
  if (!found) throw new Error(`${EXAMPLES_PAGE} has no section "${title}"`);
  return found;
}

/** Reads the findings that the examples print or show: `Label 0.97 at 15, 187: 55 × 41`. @returns them as `Label 15 187 55 41` */
export function findingsIn(text: string): string[] {
  const lines = text.matchAll(/([A-Z][\w ]*?) \d\.\d\d at (\d+), (\d+): (\d+) × (\d+)/g);
  return [...lines].map(([, ...parts]) => parts.join(' '));
}
