/**
 * Loses devices and aborts calls at random moments, on this machine's adapter.
 *
 *   npm run fuzz:interrupt -- [COUNT] [SEED]      defaults: 300 of each, a new seed each time
 */
import { fileURLToPath } from 'node:url';
import { load } from '../../src/index.js';
import { seededRandom } from '../../src/random.js';
import { abortCalls, loseDevices, type Subject } from './interruptions.js';

const [count = 300, seed = Date.now() % 1e6] = process.argv.slice(2).map(Number);
if (![count, seed].every((value) => Number.isInteger(value) && value >= 0)) {
  console.error('expected: COUNT and SEED, whole numbers');
  process.exit(2);
}
const random = seededRandom(seed);
const size = 256;
const image = { data: Uint8Array.from({ length: size ** 2 }, () => random() * 256), width: size, height: size };
const weights = fileURLToPath(new URL('../../../weights/phantom8.safetensors', import.meta.url));
const subject: Subject = { weights, options: {}, image };
console.log(`seed ${seed}`);

const { failed, wrong } = await loseDevices(subject, count, random);
console.log(`${count} devices lost: ${failed} calls failed, ${wrong.length} with another error than \`lost\` gives`);

const localizer = await load(weights, { backend: 'webgpu' });
const aborts = await abortCalls(localizer, image, count, random);
await localizer.close();
console.log(`${count} aborts: ${aborts.aborted} in time, ${aborts.wrong.length} not answered as they should be`);

const all = [...wrong, ...aborts.wrong];
for (const line of all.slice(0, 20)) console.log(line);
process.exitCode = all.length > 0 ? 1 : 0;
