/** Looks up backbones by name, checks their descriptions, and builds them. The layers themselves are in the files of `families`. */
import { InputError } from '../errors.js';
import { brief } from '../formats/brief.js';
import { isName, isObject, optional } from '../formats/checks.js';
import { createGraph, type GraphBuilder } from '../graph/ir/graph.js';
import { channelCount, type Tensor } from '../graph/ir/tensor.js';
import type { Described, Family } from './family.js';
import { all, type Backbone } from './generated/families.js';

export type { Backbone } from './generated/families.js';

// Each family has its own type of description. TypeScript cannot know that a family that is looked up by a description's `family` gets that type.
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

/** The name of the standard backbone that has this description; undefined if none has. */
export function standardName(backbone: Backbone): string | undefined {
  const text = canonical(backbone);
  const networks = Object.entries(FAMILIES[backbone.family].standard());
  return networks.find(([, one]) => canonical(one) === text)?.[0];
}

/** A text that is equal for descriptions that differ only in the order of their fields. */
const canonical = (backbone: object) =>
  JSON.stringify(backbone, (_, value) => (isObject(value) ? Object.fromEntries(Object.entries(value).sort()) : value));

/** The largest number of blocks, so that a small file cannot describe a graph that fills the memory. */
const MAX_BLOCKS = 1024;

/**
 * Checks a description, which may come from an untrusted file.
 * @throws InputError that names the field that is wrong
 */
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

/** The checked description of a backbone that is given by its name or by a description. */
export const descriptionOf = (backbone: string | Described): Backbone =>
  typeof backbone === 'string' ? standardBackbone(backbone) : checkBackbone(backbone);

/** What the names of a backbone's parameters begin with if its description has no `prefix`. */
export function usualPrefix(backbone: Backbone): string {
  const { prefix } = FAMILIES[backbone.family];
  return typeof prefix === 'string' ? prefix : prefix(backbone);
}

/** The name of torchvision's nn.Sequential that holds the whole backbone (`features.`); empty if the family's networks have none. */
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
 * @param backbone the name of a standard backbone (`resnet50`), or a description.
 * @param image [n, h, w, channels] nhwc4, large enough to leave at least one pixel at the last layer.
 * @throws InputError if the name is not in `backboneNames`, the description is wrong, or the image is too small.
 */
export function buildBackbone(g: GraphBuilder, backbone: string | Backbone, image: Tensor): Tensor {
  const description = descriptionOf(backbone);
  return FAMILIES[description.family].build(g, image, { ...description, prefix: prefixOf(description) });
}

/** The parameters of a backbone, and the size of its result. */
export interface BackboneParameters {
  readonly parameters: ReadonlyMap<string, Pick<Tensor, 'shape'>>;
  /** The name of the first convolution's weights. Their second size is the number of channels of the image. */
  readonly stem: string;
  /** The number of channels of the features. */
  readonly channels: number;
}

/**
 * The type of `backboneParameters`. Modules that are loaded on demand take that function as an argument instead of importing it, so that
 * a bundler does not move the families out of the core's chunk.
 */
export type ParametersOf = (backbone: string | Backbone) => BackboneParameters;

/** The side of an image that is large enough for any network that a description can hold. */
const LARGE = 4096;

/** Builds the backbone's graph only to read the names and shapes of its parameters. */
export function backboneParameters(backbone: string | Backbone): BackboneParameters {
  const g = createGraph();
  const channels = channelCount(buildBackbone(g, backbone, g.input('image', [1, LARGE, LARGE, 3])));
  const parameters = new Map(g.parameters);
  return { parameters, stem: [...parameters.keys()][0], channels };
}
