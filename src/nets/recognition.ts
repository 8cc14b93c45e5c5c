/** What the families say of checkpoints: loaded on demand, for weights that do not say what they are. */
import type { Backbone } from './backbone.js';
import type { Described, Recognition } from './family.js';
import { all } from './generated/recognition.js';

/** By family, in the order of their names. */
export const recognitions = all as unknown as Readonly<Record<Backbone['family'], Recognition<Described>>>;

/** What a family says of its checkpoints; undefined for a network that belongs to none. */
export const recognitionOf = (family: string): Recognition<Described> | undefined =>
  Object.hasOwn(recognitions, family) ? recognitions[family as Backbone['family']] : undefined;

/** Titles in a sentence: `a GoogLeNet or an Inception`. */
export const titlesOf = (keep: (one: Recognition<Described>) => unknown = () => true): string =>
  Object.values(recognitions)
    .filter(keep)
    .map(({ title }) => title)
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1');

/** As a sentence has it: `a ResNet`. */
export const familyName = (family: Backbone['family']): string => recognitions[family].title;
