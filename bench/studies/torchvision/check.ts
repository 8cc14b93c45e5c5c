/**
 * Compares features and gradients of torchvision's standard networks in full size, with random weights, with PyTorch's float64.
 *
 *   python3 bench/studies/torchvision/reference.py FOLDER 64 64 [NAME ...]       needs PyTorch; --forward leaves gradients out
 *   node dist/bench/studies/torchvision/check.js FOLDER [NAME ...]
 *
 * An activation can have kinks, such as a ReLU's zero. Rounding in float32 may move a value that is very near to a kink to the other side of
 * it. The gradient of this one value then appears or vanishes, which changes the gradients of all earlier layers by about 10⁻². So the table
 * also says how many values are that near. With random weights some networks amplify every rounding. The sensitivity of a network says how
 * much: the change of its features and gradients (median) in float64 when each layer's output gets a relative error of up to 2⁻²⁴.
 *
 * The table has, for raybox and for PyTorch's float32, the relative distance of the features, and of gradients the median and the largest,
 * with the parameter that has it. The distance between two gradients is estimated from their products with seeded random numbers.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { type Gpu, openGpu } from '../../../src/gpu/device.js';
import { createGraph } from '../../../src/graph/ir/graph.js';
import type { Tensor } from '../../../src/graph/ir/tensor.js';
import { createPlan } from '../../../src/graph/plan/plan.js';
import { buildBackbone } from '../../../src/nets/index.js';
import { gradients } from '../../../src/ops/differentiate.js';
import { generated, runBackbone, transpose } from '../../../test/support/torch.js';
import { markdownTable } from '../../markdown.js';

/** Norm of a gradient, and its products with seeded numbers. */
type Measures = readonly [norm: number, ...products: number[]];

interface Reference {
  readonly network: string;
  readonly size: readonly [height: number, width: number];
  /** Every `stride`-th number of the features is kept. */
  readonly stride: number;
  readonly features: number[];
  /** Values that rounding may put on the other side of a kink. */
  readonly nearKinks?: number;
  /** Relative change of features and, in the median, of gradients by errors as large as float32's rounding. */
  readonly sensitivity?: readonly [features: number, gradients: number];
  /** The same in float32. */
  readonly single: number[];
  readonly gradients: Readonly<Record<string, Measures>>;
  readonly singles: Readonly<Record<string, Measures>>;
}

const root = (sum: number) => Math.sqrt(sum);
const squares = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value * value, 0);

/** ‖actual − expected‖ / ‖expected‖ */
const distance = (actual: readonly number[], expected: readonly number[]) =>
  root(squares(actual.map((value, index) => value - expected[index])) / squares(expected));

/** Uniform numbers between −0.2 and 0.2, which `generated` gives, have this variance. */
const VARIANCE = 0.4 ** 2 / 12;

/** The mean square of products with random numbers is their variance times the square of the distance. */
function gradientDistance([norm, ...products]: Measures, [expected, ...others]: Measures): number {
  const apart = products.map((value, index) => value - others[index]);
  return Math.max(Math.abs(norm - expected), root(squares(apart) / apart.length / VARIANCE)) / expected;
}

async function featuresOf(gpu: Gpu, { network, size, stride, features }: Reference): Promise<number[]> {
  const shape = [1, 3, ...size];
  const found = await runBackbone(gpu, network, (await generated('image', shape)) as Float32Array, shape);
  return features.map((_, index) => found[index * stride]);
}

/** As torchvision's networks in `eval()` have them: batch norms keep their statistics. */
async function gradientsOf(
  gpu: Gpu,
  { network, size, gradients: expected }: Reference,
): Promise<Map<string, Measures>> {
  const g = createGraph({ parameters: 'state' });
  const image = g.input('image', [1, ...size, 3]);
  const features = buildBackbone(g, network, image);
  const [n, h, w, c] = features.shape;
  const slope = g.input('loss', features.shape);
  const tensorOf = (name: string): Tensor => (name === 'image' ? image : g.parameters.get(name)!);
  const names = Object.keys(expected);
  const found = gradients(g, features, names.map(tensorOf), slope);
  const plan = await createPlan(gpu, g.finish([...found.values()]));
  try {
    for (const [name, tensor] of g.parameters) plan.write(tensor, await generated(name, tensor.shape));
    plan.write(image, transpose((await generated('image', [1, 3, ...size])) as Float32Array, [1, 3, ...size]));
    plan.write(slope, transpose((await generated('loss', [n, c, h, w])) as Float32Array, [n, c, h, w]));
    await plan.run();
    const measured = new Map<string, Measures>();
    for (const name of names) {
      const values = await plan.read(found.get(tensorOf(name))!);
      const gradient = name === 'image' ? transpose(values, [1, 3, ...size], true) : values;
      measured.set(name, await measures(name, gradient as Float32Array, expected[name].length - 1));
    }
    return measured;
  } finally {
    plan.close();
  }
}

async function measures(name: string, gradient: Float32Array, count: number): Promise<Measures> {
  const products: number[] = [];
  for (let index = 0; index < count; index++) {
    const numbers = await generated(`projection ${index} of (${name})`, [gradient.length]);
    let sum = 0;
    for (let i = 0; i < gradient.length; i++) sum += gradient[i] * numbers[i];
    products.push(sum);
  }
  let total = 0;
  for (let i = 0; i < gradient.length; i++) total += gradient[i] * gradient[i];
  return [root(total), ...products];
}

const brief = (value: number) => value.toExponential(1);

/** Median and largest distance, and the parameter that has it. */
function summary(found: ReadonlyMap<string, Measures>, expected: Reference['gradients']): string[] {
  const distances = [...found].map(([name, own]) => ({ name, value: gradientDistance(own, expected[name]) }));
  if (distances.length === 0) return ['', '', ''];
  distances.sort((a, b) => a.value - b.value);
  const { name, value } = distances.at(-1)!;
  return [brief(distances[distances.length >> 1].value), brief(value), name];
}

const { args } = new Command().argument('<folder>').argument('[names...]').parse();
const [folder, ...names] = args;
const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
const gpu = await openGpu();
const rows: string[][] = [];
for (const file of files) {
  const reference: Reference = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const { network, size, features, nearKinks = 0, sensitivity = [Number.NaN, Number.NaN], single, singles } = reference;
  if (names.length > 0 && !names.includes(network)) continue;
  const own = distance(await featuresOf(gpu, reference), features);
  const found = Object.keys(reference.gradients).length > 0 ? await gradientsOf(gpu, reference) : new Map();
  const torch = summary(new Map(Object.entries(singles)), reference.gradients);
  rows.push([
    ...[
      network,
      size.join('×'),
      brief(own),
      brief(distance(single, features)),
      brief(sensitivity[0]),
      String(nearKinks),
    ],
    brief(sensitivity[1]),
    ...[...summary(found, reference.gradients), ...torch],
  ]);
  console.error(rows.at(-1)!.join('  '));
}
const titles = [
  'network',
  'size',
  'features',
  'of torch',
  'sensitivity',
  'near kinks',
  'sensitivity',
  'gradients',
  'largest',
  'of',
  'of torch',
  'largest',
  'of',
];
console.log(markdownTable(titles, rows));
gpu.close();
