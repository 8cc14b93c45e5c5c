/** Backbones by name or description: checked, told from each other, and built. What they are made of stands in `families`. */
import { InputError } from '../errors.js';
import { brief } from '../formats/checkpoint.js';
import { isName, isObject, optional } from '../formats/checks.js';
import { createGraph, type GraphBuilder } from '../graph/ir/graph.js';
import { channelCount, type Tensor } from '../graph/ir/tensor.js';
import type { Described, Family } from './family.js';
import { all, type Backbone } from './generated/families.js';

export type { Backbone } from './generated/families.js';

// Each family has a type of its own, and whoever looks one up by name has the description that belongs to it.
const FAMILIES = all as unknown as Readonly<Record<string, Family<Described>>>;

const standardOf = (name: string): Described | undefined =>
  Object.values(FAMILIES)
    .map(({ standard }) => standard())
    .find((networks) => Object.hasOwn(networks, name))?.[name];

/** Names of the standard backbones. */
export const backboneNames: readonly string[] = Object.values(FAMILIES).flatMap(({ standard }) =>
  Object.keys(standard()),
);

/** The description of a standard backbone. */
export function standardBackbone(name: string): Backbone {
  const backbone = standardOf(name);
  if (!backbone)
    throw new InputError(`there is no standard backbone '${name}'`, { expected: backboneNames.join(', ') });
  return backbone as Backbone;
}

/** The name of a description that is a standard one. */
export function standardName(backbone: Backbone): string | undefined {
  const text = canonical(backbone);
  const networks = Object.entries(FAMILIES[backbone.family].standard());
  return networks.find(([, one]) => canonical(one) === text)?.[0];
}

/** The same text for descriptions that say the same, whatever the order of their fields. */
const canonical = (backbone: object) =>
  JSON.stringify(backbone, (_, value) => (isObject(value) ? Object.fromEntries(Object.entries(value).sort()) : value));

/** A small file must not describe a graph that fills the memory. */
const MAX_BLOCKS = 1024;

/** Checks a description that came from a file. Throws an InputError that names the field. */
export function checkBackbone(value: unknown): Backbone {
  const name = isObject(value) ? value.family : undefined;
  if (!isObject(value) || typeof name !== 'string' || !Object.hasOwn(FAMILIES, name))
    throw new InputError('architecture: unknown family', {
      expected: Object.keys(FAMILIES).join(', '),
      given: brief(isObject(value) ? name : value),
    });
  const family = FAMILIES[name];
  const checks: ReturnType<typeof family.fields> = family.fields();
  for (const [field, [check, expected]] of Object.entries({
    ...checks,
    prefix: [optional(isName), 'a string'] as const,
  }))
    if (!check(value[field]))
      throw new InputError(`architecture: the ${name}'s ${field} is wrong`, { expected, given: brief(value[field]) });
  for (const key of Object.keys(value))
    if (!Object.hasOwn(checks, key) && key !== 'family' && key !== 'prefix')
      throw new InputError(`architecture: a ${name} has no ${brief(key)}`, {
        expected: Object.keys(checks).join(', '),
      });
  const backbone = value as unknown as Backbone;
  family.checkTogether?.(backbone);
  const total = family.blocks?.(backbone).reduce((sum, count) => sum + count, 0) ?? 0;
  if (total > MAX_BLOCKS)
    throw new InputError(`architecture: the ${name} is too deep`, {
      expected: `at most ${MAX_BLOCKS} blocks`,
      given: String(total),
    });
  return backbone;
}

/** A standard backbone by its name, or a description, checked. */
export const descriptionOf = (backbone: string | Described): Backbone =>
  typeof backbone === 'string' ? standardBackbone(backbone) : checkBackbone(backbone);

/** What the names of a backbone's parameters begin with, unless it is told otherwise. */
export function usualPrefix(backbone: Backbone): string {
  const { prefix } = FAMILIES[backbone.family];
  return typeof prefix === 'string' ? prefix : prefix(backbone);
}

/** The nn.Sequential that holds all of a family's backbones in torchvision, `features.` say; empty where there is none. */
export function sequenceOf(family: string): string {
  const prefix = Object.hasOwn(FAMILIES, family) ? FAMILIES[family].prefix : '';
  return typeof prefix === 'string' ? prefix : '';
}

/** What the names of a backbone's parameters begin with. */
export function prefixOf(backbone: string | Backbone): string {
  const description = descriptionOf(backbone);
  return description.prefix ?? usualPrefix(description);
}

/**
 * Adds a backbone, cut at its last feature map.
 * @param backbone a standard one's name (`resnet50`), or a description.
 * @param image [n, h, w, channels] nhwc4, of any size that leaves something at the last layer.
 * @throws InputError for a name that is none of `backboneNames`, a description that is wrong, and an image that is too small.
 */
export function buildBackbone(g: GraphBuilder, backbone: string | Backbone, image: Tensor): Tensor {
  const description = descriptionOf(backbone);
  return FAMILIES[description.family].build(g, image, { ...description, prefix: prefixOf(description) });
}

/** What a backbone reads and puts out. */
export interface BackboneParameters {
  readonly parameters: ReadonlyMap<string, Pick<Tensor, 'shape'>>;
  /** Name of the first convolution's weights, which are of as many inputs as the image has channels. */
  readonly stem: string;
  /** Channels of the features. */
  readonly channels: number;
}

/** For modules that are loaded on demand: what they share with the core is kept small, so their caller, who has the graph, gives it. */
export type ParametersOf = (backbone: string | Backbone) => BackboneParameters;

/** Side of an input that leaves something at the last layer of any network that a description can hold. */
const LARGE = 4096;

/** As the graph has them, which is built for nothing else. */
export function backboneParameters(backbone: string | Backbone): BackboneParameters {
  const g = createGraph();
  const channels = channelCount(buildBackbone(g, backbone, g.input('image', [1, LARGE, LARGE, 3])));
  const parameters = new Map(g.parameters);
  return { parameters, stem: [...parameters.keys()][0], channels };
}
