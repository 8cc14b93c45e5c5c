/**
 * Checks the forward and backward pass of random graphs on this machine's adapter. Each fault is reported with the smallest graph that shows
 * it.
 *
 *   npm run fuzz:graphs -- [COUNT] [SEED]      defaults: 1000, a new seed each time; the same seed gives the same graphs
 */
import fc from 'fast-check';
import { openGpu } from '../../src/gpu/device.js';
import { checkBackward, checkForward, type Finding, meetsSegments, type Recipe, recipes } from './random_graphs.js';

const [count = 1000, seed = Date.now() % 1e6] = process.argv.slice(2).map(Number);
if (![count, seed].every((value) => Number.isInteger(value) && value >= 0)) {
  console.error('expected: COUNT and SEED, whole numbers');
  process.exit(2);
}

const gpu = await openGpu();
console.log(`seed ${seed}, ${gpu.info.description || gpu.info.device}`);
const tally = { graphs: 0, segments: 0, grouped: 0, sensitive: 0 };

async function look(check: (recipe: Recipe) => Promise<Finding>, recipe: Recipe): Promise<void> {
  const { fault, sensitive } = await check(recipe);
  if (sensitive) console.log(`${sensitive}; each node is right (${++tally.sensitive})`);
  if (fault) throw new Error(fault);
}

/** @returns whether no fault was found. */
async function run(name: string, check: (recipe: Recipe) => Promise<Finding>): Promise<boolean> {
  const property = fc.asyncProperty(recipes, async (recipe) => {
    const { segments, grouped } = meetsSegments(recipe);
    tally.graphs++;
    tally.segments += Number(segments);
    tally.grouped += Number(grouped);
    await look(check, recipe);
    if (tally.graphs % 250 === 0) console.log(`${tally.graphs} graphs`);
  });
  const outcome = await fc.check(property, { seed, numRuns: Math.ceil(count / 2) });
  if (!outcome.failed) return true;
  console.log(`${name}: ${outcome.errorInstance}\n${JSON.stringify(outcome.counterexample)}`);
  return false;
}

const forward = await run('forward', (recipe) => checkForward(gpu, recipe));
const backward = await run('backward', (recipe) => checkBackward(gpu, recipe));
console.log(
  `${tally.graphs} graphs: ${tally.segments} with segments, ${tally.grouped} with a grouped convolution over them; ` +
    `${tally.sensitive} magnify rounding beyond the bound, with each node right`,
);
gpu.close();
process.exitCode = forward && backward ? 0 : 1;
