/**
 * Keeps activations of frozen layers in a folder, for later epochs and runs. Those of one network share a file, activations-KEY (see
 * `record_file.ts`). KEY is a hash of the layers, their weights, the form of the input, the adapter and the type of numbers; the key of a
 * record is a hash of the image's pixels. So whatever changes a result leads to another record, and an old one is never taken for it.
 */
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InputError } from '../../errors.js';
import type { ActivationKeeper } from '../../train/activations.js';
import { openRecordFile } from './record_file.js';

/** Room on the disk that is left for everything else. */
const SPARE_BYTES = 2 ** 28;

/** Opens the folder, which is made when the first record is kept. */
export function activationCache(folder: string): ActivationKeeper {
  return {
    async open(key, bytes, most) {
      const path = join(folder, `activations-${key}`);
      const file = await openRecordFile(path, bytes);
      try {
        await refuseWithoutRoom(path, bytes * Math.max(0, most - file.count));
      } catch (error) {
        await file.close();
        throw error;
      }
      return {
        find: async (name) => (await file.find(name))?.bytes,
        add: (name, record) => file.add(name, record, []),
        close: () => file.close(),
      };
    },
  };
}

/** @throws InputError if the disk has fewer bytes free */
async function refuseWithoutRoom(path: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path));
  const free = Math.max(0, bavail * bsize - SPARE_BYTES);
  if (needed <= free) return;
  throw new InputError(`${dirname(path)}: there is no room for the activations of all images`, {
    expected: `${gibibytes(needed)} free`,
    given: gibibytes(free),
    hint: 'name another folder, freeze more layers, keep them in f16 (--activation-type f16), or train without --activation-cache',
  });
}

const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
