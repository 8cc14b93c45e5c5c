/**
 * WebGPU on a software adapter beside onnxruntime on the same CPU: the same images, weights and calls, one after the other in one process.
 *
 *     npm install --no-save --ignore-scripts onnxruntime-node
 *     node dist/bench/backends.js [--networks phantom8,resnet50] [--sizes 224,512] [--pixels 1024] [--runs 7]
 *
 * A call is `localize` of all classes, from pixels to boxes. Wall time and processor time (of all threads) are medians of a call; calls of the two
 * alternate, so that what else the machine does falls on both. `RAYBOX_ADAPTER` chooses the adapter.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { table } from '../src/cli/terminal.js';
import { describe } from '../src/gpu/device.js';
import { type Localization, type Localizer, load } from '../src/index.js';
import { drawPhantom } from '../src/phantom/index.js';
import { median } from './measure.js';
import { architectureOf } from './networks.js';
import { weightsFile } from './weights_file.js';

const { values } = parseArgs({
  options: {
    networks: { type: 'string', default: 'phantom8,resnet50,densenet121' },
    sizes: { type: 'string', default: '224,512' },
    pixels: { type: 'string', default: '1024' },
    runs: { type: 'string', default: '7' },
  },
});
const numbers = (text: string) => text.split(',').map(Number);

async function weightsOf(network: string, size: number): Promise<Uint8Array> {
  if (network === 'phantom8') return readFileSync(new URL('../../weights/phantom8.safetensors', import.meta.url));
  return weightsFile(architectureOf(network), size);
}

async function timed(localizer: Localizer, image: Parameters<Localizer['localize']>[0]) {
  const [cpu, started] = [process.cpuUsage(), performance.now()];
  const result = await localizer.localize(image, { classes: localizer.classes });
  const { user, system } = process.cpuUsage(cpu);
  return { result, wall: performance.now() - started, cpu: (user + system) / 1000 };
}

/** @throws Error if the probabilities of the two results differ */
function requireAgreement(one: Localization, other: Localization): void {
  const worst = Math.max(
    ...Object.entries(one.probabilities).map(([label, score]) => Math.abs(score - other.probabilities[label])),
  );
  if (!(worst <= 1e-5)) throw new Error(`the probabilities are ${worst} apart`);
}

const rows: (string | number)[][] = [];
let adapter = '';
for (const network of values.networks.split(',')) {
  for (const size of numbers(values.sizes)) {
    const weights = await weightsOf(network, size);
    const given = network === 'phantom8' ? { inputWidth: size, inputHeight: size } : {};
    const localizers: Localizer[] = [];
    const firsts: number[] = [];
    for (const backend of ['webgpu', 'onnxruntime'] as const) {
      const started = performance.now();
      const localizer = await load(weights, { ...given, backend });
      await localizer.warmup();
      localizers.push(localizer);
      firsts.push(performance.now() - started);
    }
    adapter = describe(localizers[0].gpu.info);
    for (const pixels of numbers(values.pixels)) {
      const { image } = drawPhantom({ seed: 9, index: 0, size: pixels });
      const times = localizers.map(() => ({ wall: [] as number[], cpu: [] as number[] }));
      for (let run = -2; run < Number(values.runs); run++) {
        const results: Localization[] = [];
        for (const [i, localizer] of localizers.entries()) {
          const { result, wall, cpu } = await timed(localizer, image);
          results.push(result);
          if (run < 0) continue;
          times[i].wall.push(wall);
          times[i].cpu.push(cpu);
        }
        requireAgreement(results[0], results[1]);
      }
      const each = times.flatMap(({ wall, cpu }) => [median(wall), median(cpu)].map((ms) => ms.toFixed(0)));
      rows.push([network, `${size}²`, `${pixels}²`, ...each, ...firsts.map((ms) => (ms / 1000).toFixed(1))]);
      console.log(rows.at(-1)!.join('  '));
    }
    for (const localizer of localizers) await localizer.close();
  }
}
console.log(`\n${adapter}, milliseconds; first: seconds from weights to the end of a first call`);
const head = ['', 'input', 'image', 'WebGPU wall', 'CPU', 'onnxruntime wall', 'CPU', 'first', 'first'];
console.log(table([head, ...rows]));
