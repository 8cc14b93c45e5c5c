/** The members of a group of an HDF5 file, in the older form (a tree of symbol tables) and in the newer one for small groups (links). */
import { damaged, type Hdf5Bytes, unsupported } from './bytes.js';
import { MESSAGE, type Message } from './objects.js';

/** The most levels of a group's tree. */
const MOST_LEVELS = 32;

/** The addresses of a group's members by their names. */
export function groupLinks(file: Hdf5Bytes, messages: readonly Message[], path: string): Map<string, number> {
  const links = new Map<string, number>();
  const add = (name: string, address: number) => {
    if (links.has(name)) throw damaged(`two members of ${path.slice(-120)} are called ${name.slice(0, 80)}`);
    links.set(name, address);
  };
  for (const { type, at } of messages) {
    if (type === MESSAGE.symbolTable) oldLinks(file, file.u64(at), file.u64(at + 8), add);
    if (type === MESSAGE.link) newLink(file, at, add);
    if (type === MESSAGE.linkInfo && file.address(at + 2 + (file.u8(at + 1) & 1) * 8) !== undefined)
      throw unsupported(`the members of ${path.slice(-120)} in a heap of their own (libver='latest')`);
  }
  return links;
}

type Add = (name: string, address: number) => void;

/** Adds the members of the older form. They are in a tree whose leaves are tables. The names of a table's entries are in a heap. */
function oldLinks(file: Hdf5Bytes, tree: number, heap: number, add: Add): void {
  file.expectSignature(heap, 'HEAP');
  const [nameBytes, names] = [file.u64(heap + 8), file.u64(heap + 24)];
  const table = (at: number) => {
    file.expectSignature(at, 'SNOD');
    const count = file.u16(at + 6);
    for (let i = 0; i < count; i++) {
      const entry = at + 8 + 40 * i;
      // An entry of type 2 is a symbolic link, which is a path to another member. Keras writes none.
      if (file.u32(entry + 16) === 2) continue;
      const name = file.u64(entry);
      if (name >= nameBytes) throw damaged('a name lies beyond its heap');
      add(file.text(names + name, nameBytes - name), file.u64(entry + 8));
    }
  };
  const seen = new Set<number>();
  const visit = (at: number, above: number | undefined) => {
    if (seen.has(at)) throw damaged('a group is part of itself');
    seen.add(at);
    file.expectSignature(at, 'TREE');
    const level = file.u8(at + 5);
    if (file.u8(at + 4) !== 0 || level > MOST_LEVELS || (above !== undefined && level !== above - 1))
      throw damaged('the tree of a group');
    const count = file.u16(at + 6);
    for (let i = 0; i < count; i++) {
      const child = file.u64(at + 32 + 16 * i);
      if (level > 0) visit(child, level);
      else table(child);
    }
  };
  visit(tree, undefined);
}

/** Adds a member of the newer form if it is an object of this file. Symbolic links and links to other files are skipped. */
function newLink(file: Hdf5Bytes, start: number, add: Add): void {
  const version = file.u8(start);
  if (version !== 1) throw unsupported(`version ${version} of links`);
  const flags = file.u8(start + 1);
  let at = start + 2;
  const kind = flags & 8 ? file.u8(at++) : 0;
  // The creation order and the character set of the name are skipped. Both are there only if a flag says so.
  at += (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0);
  const width = flags & 3;
  const length = width === 0 ? file.u8(at) : width === 1 ? file.u16(at) : width === 2 ? file.u32(at) : file.u64(at);
  at += 2 ** width;
  const name = new TextDecoder().decode(file.part(at, length));
  if (kind === 0) add(name, file.u64(at + length));
}
