/** Finds out which backbone a checkpoint without metadata holds: its family, depth and widths, from the names and shapes of its tensors. */
import { InputError } from '../../errors.js';
import { type Backbone, checkBackbone, standardName } from '../backbone.js';
import type { Described, Shapes, Way } from '../family.js';
import { unsupportedFamily } from './foreign.js';
import { isAbout } from './leftover.js';
import { recognitions, titlesOf } from './recognition.js';

const WAYS = Object.values(recognitions).flatMap(({ ways }) => ways);

/**
 * Recognises torchvision's state dicts and those of localizers (backbone under `features.`), at any width and depth.
 * @returns the name of the standard backbone if it is one, else a description
 * @throws InputError if the names belong to no family or to several networks, or if the shapes do not show what a layer is
 */
export function inferBackbone(tensors: Shapes): string | Backbone {
  const found = WAYS.filter(({ isCommon }) => !isCommon).flatMap(({ mark, holds, read }) =>
    prefixesOf(tensors, mark)
      .filter((prefix) => holds?.(tensors, prefix) ?? true)
      .map((prefix) => ({ prefix, read })),
  );
  if (found.length > 1)
    throw new InputError('the checkpoint holds several networks', {
      expected: 'one',
      given: found
        .map(({ prefix }) => (prefix === '' ? 'names without a beginning' : `names under ${prefix}`))
        .join(', '),
      hint: `say which with prefix, such as prefix '${found.find(({ prefix }) => prefix !== '')?.prefix ?? ''}'`,
    });
  const [only] = found;
  const backbone = checkBackbone(only?.read(tensors, only.prefix) ?? otherBackbone(tensors));
  return standardName(backbone) ?? backbone;
}

/** Tries the families whose marks are in many other networks too, because the mark is only the name of a numbered convolution. */
function otherBackbone(tensors: Shapes): Described {
  const foreign = unsupportedFamily(tensors.keys());
  if (foreign !== undefined)
    throw new InputError(`the tensors look like ${foreign}, which raybox does not know`, {
      expected: KNOWN,
      given: firstNames(tensors),
      hint: EXPORT,
    });
  const backbone = WAYS.filter(({ isCommon }) => isCommon)
    .map((way) => readSequential(tensors, way))
    .find((one) => one !== undefined);
  if (backbone) return backbone;
  throw new InputError('the checkpoint is of no network that raybox knows', {
    expected: KNOWN,
    given: firstNames(tensors),
    hint: `if it is one of these with other names of tensors, give the architecture in the options; ${EXPORT}`,
  });
}

/** Reads a network if all its convolutions, except those of a head, are in one nn.Sequential. */
function readSequential(tensors: Shapes, { mark, read }: Way<Described>): Described | undefined {
  for (const prefix of prefixesOf(tensors, mark)) {
    const convolutions = [...tensors].filter(([name, { shape }]) => shape.length === 4 && !isAbout(name, 'head'));
    const isSequential = convolutions.every(
      ([name]) => name.startsWith(prefix) && /^\d+\.weight$/.test(name.slice(prefix.length)),
    );
    const backbone = isSequential ? read(tensors, prefix) : undefined;
    if (backbone) return backbone;
  }
  return undefined;
}

const KNOWN = `parameters of ${titlesOf()} under torchvision names`;

const EXPORT = 'other convolutional classifiers can be loaded as ONNX (torch.onnx.export)';

const firstNames = (tensors: Shapes) =>
  [...tensors.keys()]
    .filter((name) => !name.endsWith('num_batches_tracked'))
    .slice(0, 4)
    .join(', ') || 'no tensors';

/** The different prefixes under which a family's mark is found. There is one for each network in the checkpoint. */
function prefixesOf(tensors: Shapes, mark: RegExp): string[] {
  const found = [...tensors].flatMap(([name, { shape }]) => (shape.length === 4 ? (mark.exec(name)?.[1] ?? []) : []));
  return [...new Set(found)];
}
