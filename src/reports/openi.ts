/**
 * Reads the text of a report of the Indiana University collection (OpenI), which is XML. Only the `AbstractText` elements labelled FINDINGS
 * and IMPRESSION are read. The `<MeSH>` codes are the labels that human indexers gave the same report, and captions may repeat them; neither
 * is ever read.
 */

import { InputError } from '../errors.js';
import { SaxesParser } from '../vendor/saxes.js';

/** One report of the Open-i collection of Indiana University. */
export interface OpenIReport {
  /** Its identifier in the collection, like `CXR12`; '' if the file has none. */
  id: string;
  /** Both sections with their headings, as `mineReport` takes them; '' if the report has neither. */
  text: string;
}

/**
 * Reads one report.
 * @param source its name in errors, usually that of the file.
 * @throws InputError if the text is not well-formed XML, is cut off, has no abstract, or declares entities. Those are never expanded.
 */
export function readOpenI(xml: string, source = 'XML'): OpenIReport {
  const sections = { FINDINGS: '', IMPRESSION: '' };
  let id = '';
  let depth = 0;
  let found = false;
  let section: keyof typeof sections | undefined;
  const parser = new SaxesParser();
  parser.on('error', (cause) => {
    throw new InputError(`${source}: no well-formed XML`, {
      given: cause.message.slice(0, 200),
      ...(/entity/i.test(cause.message) ? { hint: 'Entities that a file declares itself are not expanded.' } : {}),
    });
  });
  parser.on('doctype', (doctype) => {
    if (/<!ENTITY/i.test(doctype)) {
      throw new InputError(`${source}: declares entities`, {
        expected: 'a report without them',
        hint: 'Entities are never expanded, because a small file could fill all memory by them. Remove their declarations.',
      });
    }
  });
  parser.on('opentag', ({ name, attributes }) => {
    const value = (key: string): string => String(attributes[key] ?? '');
    if (name === 'uId' && id === '') id = value('id').trim();
    if (name === 'Abstract') {
      depth += 1;
      found = true;
    }
    if (name !== 'AbstractText' || depth === 0) return;
    const label = value('Label').trim().toUpperCase();
    section = label === 'FINDINGS' || label === 'IMPRESSION' ? label : undefined;
  });
  parser.on('closetag', ({ name }) => {
    if (name === 'AbstractText') section = undefined;
    if (name === 'Abstract') depth -= 1;
  });
  const take = (text: string): void => {
    if (section) sections[section] += text;
  };
  parser.on('text', take);
  parser.on('cdata', take);
  parser.write(xml).close();
  if (!found) throw new InputError(`${source}: no report`, { expected: 'an <Abstract> with labelled <AbstractText>' });
  const text = (Object.keys(sections) as (keyof typeof sections)[])
    .filter((name) => sections[name].trim() !== '')
    .map((name) => `${name}: ${sections[name].trim()}\n\n`)
    .join('');
  return { id, text };
}
