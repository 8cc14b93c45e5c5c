/** Proves that networks of every family compute what the float64 reference does, and that a checkpoint’s architecture is recognised. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { readCheckpoint } from '../../src/formats/weights/read_checkpoint.js';
import { type Gpu, openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import type { Traits } from '../../src/graph/ir/operation.js';
import { product } from '../../src/graph/ir/tensor.js';
import { fuse } from '../../src/graph/passes/fuse.js';
import { lower } from '../../src/graph/plan/lower.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import type { Architecture, Head } from '../../src/nets/architecture.js';
import { type Backbone, checkBackbone } from '../../src/nets/backbone.js';
import {
  backboneNames,
  buildNetwork,
  inferArchitecture,
  parameterSource,
  standardBackbone,
} from '../../src/nets/index.js';
import { fnv1a, seededRandom } from '../../src/random.js';
import { normalisedError } from '../../src/verify/check.js';
import { backboneGraph, generated, readData, runBackbone, torchvision } from '../support/torch.js';

const gpu: Gpu = await openGpu();
const nets = suite('nets');

function refuses(action: () => unknown, message: RegExp): void {
  assert.throws(action, (error: unknown) => error instanceof InputError && message.test(error.message));
}

nets('every standard network has torchvision’s parameters and shapes', () => {
  assert.equal([...backboneNames].sort(), Object.keys(torchvision.networks).sort());
  for (const [name, { parameters: expected, hash, shapes }] of Object.entries(torchvision.networks)) {
    const { parameters } = backboneGraph(name, [1, 96, 96, 3]);
    const lines = [...parameters].map(([own, { shape }]) => `${own}:${shape.join('x')}`);
    assert.is(fnv1a(lines.sort().join('\n')), hash, `${name}: names or shapes of its parameters`);
    const learned = [...parameters].filter(([own]) => !own.includes('.running_'));
    assert.is(
      learned.reduce((sum, [, { shape }]) => sum + product(shape), 0),
      expected,
      name,
    );
    for (const [size, [n, c, h, w]] of Object.entries(shapes)) {
      const [height, width] = size.split('x').map(Number);
      assert.equal(backboneGraph(name, [1, height, width, 3]).features.shape, [n, h, w, c], `${name} at ${size}`);
    }
  }
});

nets('fused and unfused networks agree', async () => {
  // With odd widths there are holes after concatenations.
  const fire = { fire: [3, 5, 6] };
  const backbones: Backbone[] = [
    { family: 'squeezenet', layers: [{ conv: 10, kernel: 3, stride: 2 }, 'M', fire, fire] },
    { family: 'resnet', block: 'bottleneck', layers: [1, 2], widths: [5, 6], stem: 7 },
    { family: 'densenet', growthRate: 6, blocks: [2, 2], initialFeatures: 10, bottleneck: 3 },
  ];
  for (const one of backbones) {
    const shape = [2, 1, 35, 28];
    const image = Float32Array.from({ length: product(shape) }, seededRandom(3));
    const error = normalisedError(
      await runBackbone(gpu, one, image, shape),
      await runBackbone(gpu, one, image, shape, true),
    );
    assert.ok(error < 1e-11, `NMSE ${error.toExponential(2)}`);
  }
});

/** Two outputs and every kind of head on a squeezenet of odd widths, against the pooled features. */
nets('heads: without transition layer, linear, wide, average and maximum', async () => {
  const backbone: Backbone = { family: 'squeezenet', layers: [{ conv: 6, kernel: 3, stride: 2 }, { fire: [3, 5, 6] }] };
  const image = Float32Array.from({ length: 13 * 11 * 3 }, seededRandom(5));
  const runHead = async (head: Head) => {
    const g = createGraph();
    const input = g.input('image', [1, 13, 11, 3]);
    const network = buildNetwork(g, { backbone, head }, input);
    const outputs = [network.features, network.logits, network.probabilities, network.heatmaps];
    const plan = await createPlan(gpu, g.finish(outputs), { weights: generated });
    try {
      plan.write(input, image);
      await plan.run();
      const [features, logits, probabilities, maps] = await Promise.all(outputs.map((tensor) => plan.read(tensor)));
      return { features, logits, probabilities, maps, shapes: outputs.map(({ shape }) => shape) };
    } finally {
      plan.close();
    }
  };
  const [weight, bias] = [await generated('fc.weight', [2, 11]), await generated('fc.bias', [2])];
  for (const pooling of ['average', 'max'] as const) {
    const { features, logits, probabilities, maps, shapes } = await runHead({ classes: 2, pooling, prediction: 'fc' });
    assert.equal(shapes, [
      [1, 6, 5, 11],
      [1, 2],
      [1, 2],
      [1, 2, 6, 5],
    ]);
    for (const o of [0, 1]) {
      let logit = bias[o];
      for (let c = 0; c < 11; c++) {
        const values = Array.from({ length: 30 }, (_, p) => features[p * 11 + c]);
        const mean = values.reduce((sum, value) => sum + value, 0) / 30;
        logit += weight[o * 11 + c] * (pooling === 'max' ? Math.max(...values) : mean);
      }
      assert.ok(Math.abs(logits[o] - logit) < 1e-5, `${pooling}: ${logits[o]} is not ${logit}`);
      assert.ok(Math.abs(probabilities[o] - 1 / (1 + Math.exp(-logit))) < 1e-6);
      // Under average pooling a heatmap's mean is the logit without its bias.
      const mean = Array.from(maps.subarray(o * 30, (o + 1) * 30)).reduce((sum, value) => sum + value, 0) / 30;
      if (pooling === 'average') assert.ok(Math.abs(mean + bias[o] - logit) < 1e-5);
    }
  }
  const transition = { channels: 7, kernel: 3, activation: 'none' } as const;
  const { maps } = await runHead({ classes: 3, pooling: 'lse', r: 5, transition });
  assert.is(maps.length, 3 * 30);
  assert.ok(maps.every(Number.isFinite));
  const build = (head: Head) =>
    buildNetwork(createGraph(), { backbone, head }, createGraph().input('image', [1, 9, 9, 3]));
  refuses(() => build({ classes: 2, pooling: 'lse' }), /needs its sharpness; expected r above 0; given undefined/);
  refuses(() => build({ classes: 2, pooling: 'sum' as 'max' }), /unknown pooling; expected lse, .*; given sum/);
  const even = { ...transition, kernel: 2 };
  refuses(() => build({ classes: 2, pooling: 'max', transition: even }), /expected an odd kernel; given 2/);
});

nets('columns: the outputs of several modules are joined at the size of the first', async () => {
  const layers: Extract<Backbone, { family: 'squeezenet' }>['layers'] = [
    { conv: 6, kernel: 3, stride: 2 },
    { fire: [3, 5, 6] },
    'M',
    { fire: [3, 2, 5] },
  ];
  const shape = [1, 3, 13, 13];
  const image = Float32Array.from({ length: product(shape) }, seededRandom(5));
  const features = (columns?: number[], end = 4) =>
    runBackbone(
      gpu,
      { family: 'squeezenet', layers: layers.slice(0, end), ...(columns ? { columns } : {}) },
      image,
      shape,
    );
  const [joined, second, third] = [await features([2, 3]), await features(undefined, 2), await features()];
  const at = (values: Float32Array, size: number, y: number, x: number, c: number) => values[(c * size + y) * size + x];
  // The maps are 6 × 6 and, after the pooling, 3 × 3. Bilinear enlargement has weights in quarters.
  for (let y = 0; y < 6; y++) {
    for (let x = 0; x < 6; x++) {
      for (let c = 0; c < 11; c++) assert.is(at(joined, 6, y, x, c), at(second, 6, y, x, c));
      const [[top, down], [left, right]] = [y, x].map((o) => {
        const place = Math.max(0, (o + 0.5) / 2 - 0.5);
        return [Math.floor(place), place % 1];
      });
      for (let c = 0; c < 7; c++) {
        let wanted = 0;
        for (const [dy, dx] of [
          [0, 0],
          [0, 1],
          [1, 0],
          [1, 1],
        ]) {
          const weight = (dy ? down : 1 - down) * (dx ? right : 1 - right);
          wanted += weight * at(third, 3, Math.min(top + dy, 2), Math.min(left + dx, 2), c);
        }
        assert.ok(Math.abs(at(joined, 6, y, x, 11 + c) - wanted) < 1e-5);
      }
    }
  }
});

nets('a network has no layers after its last column, so its weights can be written and read again', async () => {
  const { squeezenet1_0: squeezenet, inception_v3: inception } = Object.fromEntries(
    ['squeezenet1_0', 'inception_v3'].map((name) => [name, standardBackbone(name)]),
  );
  for (const [backbone, last, next] of [
    [{ ...squeezenet, columns: [7, 8] }, 'features.10.expand3x3.weight', 'features.12.'],
    [{ ...inception, columns: [3] }, 'Mixed_5d.branch_pool.conv.weight', 'Mixed_6a.'],
  ] as [Backbone, string, string][]) {
    const { parameters } = backboneGraph(backbone, [1, 75, 75, 3]);
    const names = [...parameters.keys()];
    assert.ok(names.includes(last), last);
    assert.not(
      names.some((name) => name.startsWith(next)),
      next,
    );
  }
});

nets('the error for an image that is too small names the layer', () => {
  const build = (name: string, size: number) => backboneGraph(name, [1, size, size, 3]);
  refuses(() => build('vgg16', 16), /features\.30 .*larger input size/s);
  refuses(() => build('alexnet', 30), /features\.5/);
  for (const name of backboneNames) build(name, name === 'inception_v3' ? 75 : 64);
  refuses(() => build('resnet51', 64), /no standard backbone 'resnet51'; expected alexnet, convnext_tiny/);
  refuses(() => build('constructor', 64), /no standard backbone/);
});

/** Dispatches and distinct pipelines of one run, without compiling anything. */
function planSize(architecture: Architecture, software: boolean): { steps: number; pipelines: number } {
  const g = createGraph();
  const { logits, probabilities, heatmaps } = buildNetwork(g, architecture, g.input('image', [1, 224, 224, 3]));
  const traits: Traits = {
    software,
    f16: false,
    subgroupSize: 0,
    maxInvocations: 256,
    maxWorkgroupBytes: 16 << 10,
    maxBindingBytes: 128 << 20,
  };
  const outputs = [logits, probabilities, heatmaps].flatMap((tensor) => tensor ?? []);
  const { steps } = lower(fuse(g.finish(outputs)), traits);
  const keys = steps.map(({ kernel, constants, bindings }) =>
    [kernel.name, JSON.stringify(constants), bindings.map(({ access }) => access)].join(),
  );
  return { steps: steps.length, pipelines: new Set(keys).size };
}

nets('networks need few dispatches and pipelines', () => {
  const transition = { channels: 1024, kernel: 1, activation: 'relu' } as const;
  const head: Head = { classes: 8, transition, pooling: 'lse', r: 10 };
  for (const software of [true, false]) {
    const resnet = planSize({ backbone: 'resnet50', head }, software);
    const densenet = planSize({ backbone: 'densenet121', head }, software);
    // The head is five: transition, pooling, prediction, sigmoid, heatmaps.
    assert.is(resnet.steps, 54 + 5);
    // Its last norm goes into the transition's convolution.
    assert.is(densenet.steps, 124 + 5);
    // Five kinds of convolution (the first layer leaves out the padding of its channels), a pooling, and the head's other four.
    assert.is(resnet.pipelines, 10);
    assert.ok(densenet.pipelines <= 12, `DenseNet-121: ${densenet.pipelines} pipelines`);
  }
});

function shapesOf(architecture: Architecture, channels = 3): Map<string, { shape: readonly number[] }> {
  const g = createGraph();
  buildNetwork(g, architecture, g.input('image', [1, 224, 224, channels]));
  return new Map(g.parameters);
}

nets('a checkpoint’s architecture is recognised by names and shapes', () => {
  const head: Head = { classes: 3, transition: { channels: 5, kernel: 3, activation: 'relu' }, pooling: 'lse', r: 10 };
  for (const backbone of backboneNames) {
    const description = standardBackbone(backbone);
    assert.equal(inferArchitecture(shapesOf({ backbone, head })), { backbone, head }, backbone);
    const renamed = { ...description, prefix: 'features.trunk.' };
    assert.equal(inferArchitecture(shapesOf({ backbone: renamed, head })), { backbone: renamed, head }, backbone);
  }
  // In the other families no shape shows the strides. The stages of the sample of VGG have several widths, as other networks have.
  const told = torchvision.samples.filter(
    ({ backbone: one, gradients }) =>
      !/"vgg"/.test(JSON.stringify(one)) &&
      (!gradients || /resnet|regnet|shufflenet|inception|convnext/.test(JSON.stringify(one))),
  );
  for (const { backbone } of told) assert.equal(inferArchitecture(shapesOf({ backbone })), { backbone });
  const mixed = torchvision.samples.find(({ backbone: one }) => /"vgg"/.test(JSON.stringify(one)))!;
  refuses(() => inferArchitecture(shapesOf({ backbone: mixed.backbone })), /no network that raybox knows/);
  const names = {
    conv: 'conv#',
    squeeze: 'fire#/squeeze1x1',
    expand1x1: 'fire#/expand1x1',
    expand3x3: 'fire#/expand3x3',
  };
  const squeezenet = { ...standardBackbone('squeezenet1_1'), names } as Backbone;
  assert.equal(inferArchitecture(shapesOf({ backbone: squeezenet })), { backbone: squeezenet });
  // One linear layer on averaged features is a head, whatever its name is. With layers before it there is no class activation map.
  const average: Head = { classes: 1000, pooling: 'average', prediction: 'fc' };
  assert.equal(inferArchitecture(shapesOf({ backbone: 'resnet18', head: average })).head, average);
  const classifier: Head = { ...average, prediction: 'classifier' };
  assert.equal(inferArchitecture(shapesOf({ backbone: 'densenet121', head: classifier })).head, classifier);
  assert.equal(inferArchitecture(shapesOf({ backbone: 'vgg16', head: classifier })).head, classifier);
  const given = inferArchitecture(shapesOf({ backbone: 'resnet18', head: average }), { pooling: 'max' });
  assert.equal(given.head, { ...average, pooling: 'max' });
});

nets('any width and depth is recognised', () => {
  const size = fc.integer({ min: 1, max: 9 });
  const sizes = (least: number, most: number) => fc.array(size, { minLength: least, maxLength: most });
  const pooled = <T>(stage: fc.Arbitrary<T[]>) => fc.array(stage, { minLength: 1, maxLength: 4 });
  const fires = fc.array(sizes(3, 3), { minLength: 1, maxLength: 3 });
  const backbones: fc.Arbitrary<Backbone> = fc.oneof(
    sizes(5, 5).map((widths): Backbone => ({ family: 'alexnet', widths })),
    fc.tuple(fc.array(fc.tuple(size, size), { minLength: 2, maxLength: 4 }), fc.boolean()).map(
      ([stages, batchNorm]): Backbone => ({
        family: 'vgg',
        layers: stages.flatMap(([width, depth]) => [...Array(depth).fill(width), 'M' as const]),
        batchNorm,
      }),
    ),
    fc
      .tuple(
        fc.constantFrom('basic' as const, 'bottleneck' as const),
        fc.array(fc.tuple(size, size), { minLength: 1, maxLength: 5 }),
        size,
      )
      .map(
        ([block, stages, stem]): Backbone => ({
          family: 'resnet',
          block,
          layers: stages.map(([layers]) => layers),
          widths: stages.map(([, width]) => width),
          stem,
        }),
      ),
    fc.tuple(size, sizes(1, 4), fc.integer({ min: 8, max: 20 }), size).map(
      ([growthRate, blocks, initialFeatures, bottleneck]): Backbone => ({
        family: 'densenet',
        growthRate,
        blocks,
        initialFeatures,
        bottleneck,
      }),
    ),
    fc.tuple(size, pooled(fires)).map(
      ([conv, stages]): Backbone => ({
        family: 'squeezenet',
        layers: [
          { conv, kernel: 3, stride: 2 },
          ...stages.flatMap((stage) => ['M' as const, ...stage.map((fire) => ({ fire }))]),
        ],
      }),
    ),
  );
  const head: Head = { classes: 2, transition: { channels: 3, kernel: 1, activation: 'relu' }, pooling: 'lse', r: 10 };
  fc.assert(
    fc.property(backbones, (backbone) => {
      checkBackbone(JSON.parse(JSON.stringify(backbone)));
      assert.equal(inferArchitecture(shapesOf({ backbone, head })), { backbone, head });
    }),
    { seed: 1, numRuns: 100 },
  );
});

nets('a checkpoint of another network is refused with what is wrong', () => {
  const infer = (entries: Record<string, number[]>) =>
    inferArchitecture(new Map(Object.entries(entries).map(([name, shape]) => [name, { shape }])));
  refuses(() => infer({}), /no network that raybox knows; .* given no tensors/);
  refuses(() => infer({ 'encoder.weight': [3, 3] }), /given encoder\.weight/);
  refuses(() => infer({ 'layer1.0.conv1.weight': [8, 8, 3, 3] }), /layer1\.0\.conv2\.weight is missing/);
  const gap = { 'features.0.weight': [8, 3, 3, 3], 'features.5.weight': [8, 8, 3, 3] };
  refuses(() => infer(gap), /layers features\.2 to features\.4 are/);
  const vector = {
    'layer1.0.conv1.weight': [8, 8, 3, 3],
    'layer1.0.conv2.weight': [8, 8, 3, 3],
    'conv1.weight': [8, 3, 7, 7],
  };
  refuses(() => infer({ ...vector, 'head.prediction.weight': [8] }), /not a linear layer; .* given 8/);
  const stages = { 'features.0.weight': [8, 3, 3, 3], 'features.3.weight': [8, 8, 3, 3] };
  const half = { ...stages, 'head.transition.weight': [8, 8, 1, 1] };
  refuses(() => infer(half), /no prediction layer; expected head\.prediction\.weight/);
});

nets('one error names all parameters that are missing or have another shape', () => {
  const { parameters } = backboneGraph('resnet18', [1, 64, 64, 3]);
  const tensors = new Map([...parameters].map(([name, { shape }]) => [name, tensor(shape)] as const));
  assert.is(parameterSource({ tensors }, parameters)('bn1.bias', [64]), tensors.get('bn1.bias')!.data);
  const renamed = new Map([...tensors].map(([name, own]) => [name.replace(/^layer4\.1/, 'trunk.layer4.1'), own]));
  refuses(
    () => parameterSource({ tensors: renamed }, parameters),
    /lacks 10 parameters: layer4\.1\.conv1\.weight \(nearest: trunk\.layer4\.1\.conv1\.weight\),.* and 5 more/,
  );
  const reshaped = new Map(tensors).set('conv1.weight', tensor([64, 1, 7, 7]));
  refuses(
    () => parameterSource({ tensors: reshaped }, parameters),
    /1 parameter of another shape: conv1\.weight \(expected 64×3×7×7, given 64×1×7×7\)/,
  );
  refuses(() => parameterSource({ tensors }, parameters)('fc.weight', [3]), /no 3 fc\.weight/);
});

const tensor = (shape: readonly number[]) => ({ shape: [...shape], data: new Float32Array(product(shape)) });

nets('SqueezeNet under Caffe’s names loads', async () => {
  const weights = await readData('weights/squeezenet1_0-imagenet.safetensors');
  if (!weights) return console.log('skipped: weights/squeezenet1_0-imagenet.safetensors, for want of the data folder');
  const { tensors } = await readCheckpoint(weights);
  const { backbone } = inferArchitecture(tensors);
  const { names, ...plain } = backbone as Extract<Backbone, { family: 'squeezenet' }>;
  assert.equal(plain, standardBackbone('squeezenet1_0'));
  assert.is(names?.squeeze, 'fire#/conv1x1_1');
  const { features, parameters } = backboneGraph(backbone, [1, 227, 227, 3]);
  assert.equal(features.shape, [1, 13, 13, 512]);
  parameterSource({ tensors }, parameters);
});

nets.after(() => gpu.close());
nets.run();
