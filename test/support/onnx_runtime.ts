/**
 * A stand-in for onnxruntime. It reads the model as it reads any ONNX file, and computes it with the float64 references. So tests of the code
 * around the runtime do not need the package.
 */
import { createGraph } from '../../src/graph/ir/graph.js';
import type { Tensor } from '../../src/graph/ir/tensor.js';
import type { OnnxRuntime, OnnxTensor } from '../../src/localizer/onnx/runtime.js';
import { readModel } from '../../src/localizer/weights/model.js';
import { evaluateReference } from '../../src/verify/reference.js';

class FloatTensor implements OnnxTensor {
  constructor(
    readonly type: 'float32',
    readonly data: Float32Array,
    readonly dims: readonly number[],
  ) {}
}

/** What the stand-in was asked to do. */
export const seen = { created: 0, released: 0, batches: [] as number[], fetched: [] as string[] };

export const referenceRuntime: OnnxRuntime = {
  Tensor: FloatTensor,
  InferenceSession: {
    async create(bytes, { externalData = [] } = {}) {
      seen.created += 1;
      const files = Object.fromEntries(externalData.map(({ path, data }) => [path, data]));
      const model = await readModel(bytes, { externalData: files, output: 'probabilities' });
      return {
        async run({ image }, fetches) {
          const [n, channels, height, width] = image.dims;
          seen.batches.push(n);
          seen.fetched.push(fetches.join());
          const g = createGraph();
          const input = g.input('image', [n, height, width, channels]);
          const { logits, probabilities, heatmaps } = model.network(g, input);
          const values = new Map<Tensor, Float64Array>();
          const pixels = image.data as Float32Array;
          const last = Float64Array.from(pixels, (_, i) => {
            const [c, p] = [i % channels, Math.floor(i / channels)];
            const [slot, at] = [Math.floor(p / (height * width)), p % (height * width)];
            return pixels[(slot * channels + c) * height * width + at];
          });
          values.set(input, last);
          for (const [name, tensor] of g.parameters)
            values.set(tensor, Float64Array.from(model.checkpoint.tensors.get(name)!.data));
          const outputs: Record<string, Tensor> = { logits, probabilities, heatmaps: heatmaps! };
          const found = evaluateReference(g.finish(Object.values(outputs)), values);
          const entries = fetches.map((name) => {
            const data = Float32Array.from(found.get(outputs[name])!);
            return [name, new FloatTensor('float32', data, outputs[name].shape)] as const;
          });
          return Object.fromEntries(entries);
        },
        async release() {
          seen.released += 1;
        },
      };
    },
  },
};
