/** onnxruntime as one of the engines, in Node and in a page. */
import type { Engine } from './engine.js';
import { MissingEngine } from './missing.js';
import type { Task } from './task.js';

/** The parts of onnxruntime's API that are used here, which are the same in both packages. */
export interface OnnxRuntime {
  readonly env: { readonly wasm: { numThreads?: number } };
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> };
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => object;
}

interface Session {
  run(feeds: object, wanted: readonly string[]): Promise<Record<string, { readonly data: Float32Array }>>;
  release(): Promise<void>;
}

const OUTPUTS = ['logits', 'heatmaps'];

/** An engine on a session, which the first run makes. */
export function onSession(
  runtime: OnnxRuntime,
  name: string,
  {
    model,
    image,
    shape,
    options,
  }: { model: Uint8Array; image: Float32Array; shape: readonly number[]; options: object },
): Engine {
  let session: Session | undefined;
  const run = async () => {
    const outputs = await session!.run({ image: new runtime.Tensor('float32', image, shape) }, OUTPUTS);
    return OUTPUTS.map((one) => outputs[one].data);
  };
  return {
    name,
    async first() {
      session = await runtime.InferenceSession.create(model, options);
      return run();
    },
    run,
    close: () => session?.release(),
  };
}

/** The exported model computes in f32; onnxruntime has no switch for that. */
export function refuseHalves({ type }: Task): void {
  if (type === 'f16') throw new MissingEngine('the exported model computes in f32');
}
