/**
 * The most common kind of dispatch: one thread for each vec4 group of each output pixel, split into bands. A dense tensor counts as one
 * pixel with many groups; elements of its last group beyond the end are padding.
 */
import type { Constants, Kernel } from '../gpu/wgsl.js';
import { type Lowering, type Range, spread, type View } from '../graph/ir/operation.js';
import { elementCount, groupCount, type Tensor } from '../graph/ir/tensor.js';

/** Options of `dispatchGroups`. */
export interface GroupDispatch {
  kernel: Kernel;
  constants?: Constants;
  /** Input activations, which are bound first. Each name N gives the params N_offset and N_pitch. */
  inputs: Readonly<Record<string, Tensor | undefined>>;
  /** Buffers that are bound whole, between inputs and output. */
  whole?: readonly (Tensor | undefined)[];
  /** The pixels of an input (by its name) that a range of output pixels reads. Default: the same. */
  needs?: (range: Range, input: string) => Range;
  params?: Readonly<Record<string, number>>;
  /** Threads for each pixel, if a thread computes more than one vec4. Default: one for each vec4. */
  lanesPerPixel?: number;
}

/**
 * Dispatches a kernel over the groups of `y`. Its params are `first, count` (the band's pixels), `groups` (of y), offset and pitch of
 * each input and of y, and the given params. Its prelude has `elem`. Workgroups have 64 threads, and a thread takes
 * index = id.x + id.y · num_workgroups.x · 64, group = index mod groups, pixel = first + index / groups.
 */
export function dispatchGroups(context: Lowering, y: Tensor, dispatch: GroupDispatch): void {
  const { kernel, constants, inputs, whole = [], needs = (range) => range, params, lanesPerPixel } = dispatch;
  const dense = y.layout === 'dense';
  const groups = dense ? Math.ceil(elementCount(y) / 4) : groupCount(y);
  const named = Object.entries(inputs);
  const needed = named.map(([name, tensor]) => [tensor, (range: Range) => needs(range, name)] as const);
  for (const range of dense ? [undefined] : context.bands(y, needed)) {
    const [from, to] = range ?? [0, 1];
    const views: Record<string, View> = {};
    for (const [name, tensor] of named) views[name] = context.read(tensor, range && needs(range, name));
    views.y = context.write(y, range);
    const places = Object.entries(views).flatMap(([name, { offset, pitch }]) => [
      [`${name}_offset`, offset] as const,
      [`${name}_pitch`, dense ? groups : pitch] as const,
    ]);
    const { y: output, ...read } = views;
    context.dispatch({
      kernel,
      constants: { elem: y.type, ...constants },
      bindings: [...Object.values(read), ...whole.map((tensor) => context.read(tensor)), output],
      params: { first: from, count: to - from, groups, ...Object.fromEntries(places), ...params },
      workgroups: spread(Math.ceil(((to - from) * (lanesPerPixel ?? groups)) / 64)),
    });
  }
}
