/**
 * Places temporaries in shared buffers (arenas), so that tensors whose lifetimes do not overlap can use the same bytes. A greedy method
 * places the largest tensors first. WebGPU refuses a dispatch that reads and writes one buffer, even in separate ranges, so a tensor that
 * a dispatch reads and one that it writes are placed in different arenas.
 */
import { alignUp } from '../../gpu/buffers.js';
import type { Graph } from '../ir/graph.js';
import { byteSize, type Tensor } from '../ir/tensor.js';
import type { Step } from './lower.js';

export interface Place {
  readonly arena: number;
  readonly offset: number;
}

export interface Packing {
  /** Bytes of each arena. */
  readonly sizes: readonly number[];
  readonly places: ReadonlyMap<Tensor, Place>;
}

/** The steps between which a tensor must be kept, and the tensors that it must not share an arena with. */
interface Life {
  tensor: Tensor;
  first: number;
  last: number;
  /** Tensors that a dispatch writes while it reads this one, or reads while it writes this one. */
  rivals: Set<Tensor>;
}

/** Whether a tensor gets a buffer of its own rather than a place in an arena. */
export const hasOwnBuffer = ({ outputs }: Graph, tensor: Tensor) =>
  tensor.kind !== 'temporary' || outputs.includes(tensor);

/**
 * Gives each temporary a place in an arena.
 * @param options.guard bytes to keep free after each tensor, for values that show whether a kernel writes too far.
 * @param options.maxBytes the largest size of an arena. A tensor that is larger gets an arena to itself.
 */
export function packArenas(
  steps: readonly Step[],
  isTemporary: (tensor: Tensor) => boolean,
  { guard = 0, maxBytes = Number.POSITIVE_INFINITY }: { guard?: number; maxBytes?: number | undefined } = {},
): Packing {
  const lives = [...lifetimes(steps, isTemporary).values()];
  lives.sort((a, b) => byteSize(b.tensor) - byteSize(a.tensor) || a.first - b.first);
  const arenas: { size: number; placed: { life: Life; offset: number }[] }[] = [];
  const places = new Map<Tensor, Place>();
  for (const life of lives) {
    const size = alignUp(byteSize(life.tensor) + guard);
    let best = { arena: arenas.length, offset: 0, growth: size };
    arenas.forEach(({ size: arenaSize, placed }, arena) => {
      if (placed.some((other) => life.rivals.has(other.life.tensor))) return;
      const offset = firstGap(placed, life, size, guard);
      if (offset + size > maxBytes) return;
      const growth = Math.max(0, offset + size - arenaSize);
      if (growth < best.growth) best = { arena, offset, growth };
    });
    arenas[best.arena] ??= { size: 0, placed: [] };
    const arena = arenas[best.arena];
    arena.size = Math.max(arena.size, best.offset + size);
    arena.placed.push({ life, offset: best.offset });
    places.set(life.tensor, { arena: best.arena, offset: best.offset });
  }
  return { sizes: arenas.map(({ size }) => size), places };
}

function firstGap(placed: { life: Life; offset: number }[], life: Life, size: number, guard: number): number {
  const busy = placed
    .filter((other) => other.life.first <= life.last && life.first <= other.life.last)
    .sort((a, b) => a.offset - b.offset);
  let offset = 0;
  for (const other of busy) {
    if (offset + size <= other.offset) break;
    offset = Math.max(offset, other.offset + alignUp(byteSize(other.life.tensor) + guard));
  }
  return offset;
}

function lifetimes(steps: readonly Step[], isTemporary: (tensor: Tensor) => boolean): Map<Tensor, Life> {
  const lives = new Map<Tensor, Life>();
  steps.forEach((step, index) => {
    const bound = step.bindings.filter(({ tensor }) => tensor && isTemporary(tensor));
    const all = bound.map(({ tensor, access }) => {
      const life = lives.get(tensor!) ?? { tensor: tensor!, first: index, last: index, rivals: new Set() };
      lives.set(tensor!, life);
      life.last = index;
      return { life, access };
    });
    for (const a of all) {
      for (const b of all) if (a.access !== b.access) a.life.rivals.add(b.life.tensor);
    }
  });
  return lives;
}
