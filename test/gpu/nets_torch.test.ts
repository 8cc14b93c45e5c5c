/** Proves that torchvision’s networks have the same features and gradients as in PyTorch. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readCheckpoint } from '../../src/formats/weights/read_checkpoint.js';
import { type Gpu, openGpu } from '../../src/gpu/device.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { createPlan } from '../../src/graph/plan/plan.js';
import { buildNetwork, inferArchitecture, parameterSource } from '../../src/nets/index.js';
import { normalisedError } from '../../src/verify/check.js';
import { readFixture } from '../support/fixture.js';
import { partOf } from '../support/part.js';
import { generated, gradientErrors, readData, runBackbone, torchvision, transpose } from '../support/torch.js';

const gpu: Gpu = await openGpu();
const nets = suite('networks against PyTorch');

for (const { backbone, size, stride, values, gradients } of partOf(torchvision.samples, () => 'backbone')) {
  const name = typeof backbone === 'string' ? backbone : `a ${backbone.family} of odd widths`;
  nets(`${name} gives torchvision’s features`, async () => {
    const shape = [1, 3, ...size];
    const features = await runBackbone(gpu, backbone, (await generated('image', shape)) as Float32Array, shape);
    const error = normalisedError(
      values.map((_, index) => features[index * stride]),
      values,
    );
    assert.ok(error < 1e-10, `NMSE ${error.toExponential(2)}`);
  });
  if (gradients) {
    nets(`${name} gives torchvision’s gradients`, async () => {
      for (const [parameter, error] of await gradientErrors(gpu, backbone, size, gradients))
        assert.ok(error < 1e-4, `${parameter}: relative distance ${error}`);
    });
  }
}

interface TorchReference {
  r: number;
  input: { file: string; shape: number[] };
  heatmaps: { file: string; shape: number[] };
  probabilities: number[][];
  logits: number[][];
}

async function checkAgainstTorch(name: string, weights: Uint8Array, type: 'f32' | 'f16'): Promise<void> {
  const folder = `torch-reference/${name}`;
  const reference: TorchReference = JSON.parse(new TextDecoder().decode(await readFixture(`${folder}/reference.json`)));
  const floats = async (file: string) => new Float32Array((await readFixture(`${folder}/${file}`)).slice().buffer);
  const checkpoint = await readCheckpoint(weights);
  const architecture = inferArchitecture(checkpoint.tensors, { r: reference.r });
  const [images, channels, height, width] = reference.input.shape;
  const g = createGraph({ type });
  const image = g.input('image', [images, height, width, channels]);
  const { probabilities, heatmaps, logits } = buildNetwork(g, architecture, image);
  const graph = g.finish([probabilities!, logits!, heatmaps!]);
  const plan = await createPlan(gpu, graph, { weights: parameterSource(checkpoint, g.parameters) });
  try {
    plan.write(image, transpose(await floats(reference.input.file), reference.input.shape));
    await plan.run();
    assert.equal(heatmaps!.shape, reference.heatmaps.shape);
    const expected = await floats(reference.heatmaps.file);
    const range = Math.max(...expected) - Math.min(...expected);
    const bounds = type === 'f32' ? [1e-5, 1e-4] : [5e-3, 1e-2];
    const score = furthest(await plan.read(probabilities!), reference.probabilities.flat());
    const map = furthest(await plan.read(heatmaps!), expected) / range;
    if (typeof process !== 'undefined' && process.env.DEBUG) {
      console.log(`${name} ${type}: probabilities ${score.toExponential(1)}, heatmaps ${map.toExponential(1)}`);
    }
    assert.ok(score <= bounds[0], `probabilities are ${score} apart`);
    assert.ok(map <= bounds[1], `heatmaps are ${map} of their range apart`);
  } finally {
    plan.close();
  }
}

function furthest(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert.is(actual.length, expected.length);
  let worst = 0;
  for (let i = 0; i < expected.length; i++) worst = Math.max(worst, Math.abs(actual[i] - expected[i]));
  return worst;
}

const types = gpu.features.has('shader-f16') ? (['f32', 'f16'] as const) : (['f32'] as const);
const names = ['densenet', 'resnet-basic', 'resnet-bottleneck', 'vgg', 'alexnet', 'googlenet'];
for (const name of partOf(names, () => 'network')) {
  for (const type of types) {
    nets(`${name} gives PyTorch’s probabilities and heatmaps in ${type}`, async () =>
      checkAgainstTorch(name, await readFixture(`torch-reference/${name}/model.safetensors`), type),
    );
  }
}

nets('the same networks as torch.save writes them give the same results', async () => {
  await checkAgainstTorch('densenet', await readFixture('torch-reference/densenet/model.pth'), 'f32');
  const others = [
    'vgg/model.pth',
    'alexnet/model.pth',
    'googlenet/model.pth',
    'resnet-basic/model.pth',
    'resnet-bottleneck/model.pth',
  ];
  const old = ['resnet-basic/model-legacy.pth.tar', 'resnet-bottleneck/model-legacy.pth.tar'];
  for (const file of [...others, ...old]) {
    const weights = await readData(`torch-reference/${file}`);
    if (weights) await checkAgainstTorch(file.split('/')[0], weights, 'f32');
    else console.log(`skipped: torch-reference/${file}, for want of the data folder`);
  }
});

nets.after(() => gpu.close());
nets.run();
