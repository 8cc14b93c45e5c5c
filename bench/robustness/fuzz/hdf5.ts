/** Changes of HDF5 files: numbers that say where something is, or how many there are. */
import { type Dice, joined, type Mutator } from './mutate.js';

const WIDTHS = [8, 8, 8, 4, 2, 1];

/** Places of eight bytes that are an address: the number is not 0, and lies within the file. */
function addresses(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: number[] = [];
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const value = view.getBigUint64(at, true);
    if (value > 0n && value < BigInt(bytes.length)) found.push(at);
  }
  return found;
}

/** Sets a number: an address to another address of the file, or any number to an edge case. */
export const hdf5Number: Mutator = (bytes, dice) => {
  const places = addresses(bytes);
  if (places.length === 0) return bytes;
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const at = dice.pick(places);
  const old = view.getBigUint64(at, true);
  if (dice.chance(0.6)) view.setBigUint64(at, other(old, view.getBigUint64(dice.pick(places), true)), true);
  else if (dice.chance(0.5)) view.setBigUint64(at, other(old, old + BigInt(dice.pick([-16, -8, -1, 1, 8, 16]))), true);
  else setNear(copy, at, dice);
  return copy;
};

const other = (old: bigint, value: bigint): bigint => (value === old ? old + 8n : value);

/** Counts, versions, flags and lengths stand near addresses. */
function setNear(copy: Uint8Array, at: number, dice: Dice): void {
  const place = Math.max(0, Math.min(copy.length - 8, at - 16 + dice.below(32)));
  const width = dice.pick(WIDTHS);
  for (let i = 0; i < width; i++) copy[place + i] = copy[place + i] === 255 ? 0 : 255 - (i === 0 ? dice.below(2) : 0);
}

/** A long text at the end of the file, to which many addresses point. */
export const hdf5Sharing: Mutator = (bytes, dice) => {
  const text = new Uint8Array(dice.length(1 << 20)).fill(0x61);
  const copy = joined(bytes, text);
  const view = new DataView(copy.buffer);
  for (const at of addresses(bytes))
    if (dice.chance(0.05)) view.setBigUint64(at, BigInt(bytes.length + dice.below(8)), true);
  return copy;
};
