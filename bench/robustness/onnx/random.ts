/**
 * Random small classifiers as ONNX models, through raybox in float64 and through onnxruntime.
 *
 *     npm install --no-save onnxruntime-web
 *     node dist/bench/robustness/onnx/random.js [COUNT] [SEED]
 *
 * Prints each model whose logits differ, with its nodes, and how many agree. What raybox refuses is counted by its reason. Model i has the
 * seed SEED · 100,000 + i; MODELS=SEED,… runs these alone and prints what onnxruntime computes, for test/support/random_onnx.ts.
 */
import { InputError } from '../../../src/errors.js';
import { loadOptional } from '../../../src/formats/optional.js';
import { difference, logitsOf, type RandomModel, randomModel } from './random_models.js';

const [count = 200, seed = 1] = process.argv.slice(2).map(Number);
const MOST_APART = 1e-4;

/** What is used of onnxruntime-web, which is not among the dependencies. */
interface Runtime {
  InferenceSession: {
    create(
      bytes: Uint8Array,
      options: object,
    ): Promise<{ run(feeds: object): Promise<Record<string, { data: Float32Array }>> }>;
  };
  Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => object;
}
const runtime: Runtime = await loadOptional(
  'onnxruntime-web',
  'the comparison',
  () => import('onnxruntime-web' as string),
);

async function ofRuntime({ bytes, pixels, channels, side }: RandomModel): Promise<Float32Array> {
  const session = await runtime.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  return (await session.run({ input: new runtime.Tensor('float32', pixels, [1, channels, side, side]) })).output.data;
}

const counts = { agree: 0, differ: 0, unknown: 0, refused: 0 };
const reasons = new Map<string, number>();
const used = new Map<string, number>();
const wanted = process.env.MODELS?.split(',').map(Number);
for (const own of wanted ?? Array.from({ length: count }, (_, i) => seed * 100_000 + i)) {
  const model = randomModel(own);
  let expected: Float32Array;
  try {
    expected = await ofRuntime(model);
    if (!expected.every(Number.isFinite)) throw new Error('its result is not finite');
  } catch (error) {
    counts.unknown++;
    if (process.env.DEBUG) console.log(`onnxruntime refuses ${own}: ${String(error).slice(0, 200)}`);
    continue;
  }
  if (wanted) console.log(`[${own}, [${Array.from(expected, (number) => number.toPrecision(7)).join(', ')}]],`);
  try {
    const worst = (await logitsOf(model, 2)).map((logits) => difference(logits, expected));
    if (worst.every((one) => one < MOST_APART)) {
      counts.agree++;
      for (const op of new Set(model.nodes.map((node) => node.op))) used.set(op, (used.get(op) ?? 0) + 1);
    } else {
      counts.differ++;
      const list = model.nodes.map(
        ({ op, inputs, outputs, attributes }) =>
          `    ${outputs} = ${op} ${inputs.join(' ')} ${JSON.stringify(attributes)}`,
      );
      console.log(
        `model ${own} (opset ${model.opset}): ${worst.map((one) => one.toExponential(1))} apart\n${list.join('\n')}`,
      );
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw new Error(`model ${own}`, { cause: error });
    counts.refused++;
    const why = error.message.replace(/'[^']*'/g, '…').slice(0, 160);
    reasons.set(why, (reasons.get(why) ?? 0) + 1);
  }
}
console.log(
  `${counts.agree} agree, ${counts.differ} differ, ${counts.unknown} are refused by onnxruntime, ${counts.refused} by raybox`,
);
for (const [why, times] of reasons) console.log(`  ${times} × ${why}`);
console.log(
  `in models that agree: ${[...used]
    .map(([op, times]) => `${op} ${times}`)
    .sort()
    .join(', ')}`,
);
