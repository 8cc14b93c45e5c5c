/** How each family recognises its checkpoints. This is loaded on demand, for weights that do not say what they are. */
import type { Backbone } from '../backbone.js';
import type { Described, Recognition } from '../family.js';
import { all } from '../generated/recognition.js';

/** The recognition of each family, in the order of their names. */
export const recognitions = all as unknown as Readonly<Record<Backbone['family'], Recognition<Described>>>;

/** The recognition of a family; undefined if there is no such family, as for a network that is a graph. */
export const recognitionOf = (family: string): Recognition<Described> | undefined =>
  Object.hasOwn(recognitions, family) ? recognitions[family as Backbone['family']] : undefined;

/** The titles of families as a sentence lists them: `a GoogLeNet or an Inception v3`. */
export const titlesOf = (keep: (one: Recognition<Described>) => unknown = () => true): string =>
  Object.values(recognitions)
    .filter(keep)
    .map(({ title }) => title)
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1');

/** The title of a family: `a ResNet`. */
export const familyName = (family: Backbone['family']): string => recognitions[family].title;
