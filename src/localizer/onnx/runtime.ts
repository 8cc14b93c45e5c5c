/** onnxruntime, as far as it is used here. The packages onnxruntime-node and onnxruntime-web have the same interface. */
import { InputError } from '../../errors.js';
import type { Platform } from '../../gpu/platform.js';

/** A module that computes ONNX models: onnxruntime-node, onnxruntime-web, or what else has these functions. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options?: {
        executionProviders?: readonly string[];
        externalData?: readonly { readonly path: string; readonly data: Uint8Array }[];
        logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
      },
    ): Promise<OnnxSession>;
  };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => OnnxTensor;
}

/** A tensor of onnxruntime. */
export interface OnnxTensor {
  readonly dims: readonly number[];
  readonly data: unknown;
}

/** A model that is ready to run. */
export interface OnnxSession {
  run(
    feeds: Readonly<Record<string, OnnxTensor>>,
    fetches: readonly string[],
  ): Promise<Readonly<Record<string, OnnxTensor>>>;
  release(): Promise<void>;
}

/** The option of `load`: the module, or a function that imports it. */
export type OnnxRuntimeOption = OnnxRuntime | (() => OnnxRuntime | Promise<OnnxRuntime>);

/**
 * The platform, as far as it is needed here. It is passed in and not imported, because bundlers would otherwise move it out of the core's
 * file into one that the core and this module share.
 */
export type Host = Pick<Platform, 'name' | 'onnxruntime'>;

/** How the user gets the package. */
export const installHint = ({ name, onnxruntime }: Host) =>
  name === 'web'
    ? `give it: load(weights, { onnxruntime: () => import('${onnxruntime.name}') })`
    : `npm install ${onnxruntime.name}`;

/** @throws InputError that names the package if it cannot be imported, or if what was given is no such module */
export async function loadRuntime(host: Host, given?: OnnxRuntimeOption): Promise<OnnxRuntime> {
  const { name, load } = host.onnxruntime;
  let module: unknown;
  try {
    module = await (given === undefined ? load() : typeof given === 'function' ? given() : given);
  } catch (cause) {
    throw new InputError(`the package ${name}, which computes without a GPU, cannot be imported`, {
      given: (cause as Error).message,
      hint: installHint(host),
      cause,
    });
  }
  for (const found of [module, (module as { default?: unknown } | undefined)?.default]) {
    const { InferenceSession, Tensor } = (found ?? {}) as Partial<OnnxRuntime>;
    if (typeof InferenceSession?.create === 'function' && typeof Tensor === 'function') return found as OnnxRuntime;
  }
  throw new InputError('onnxruntime: the option gives another module', {
    expected: `the exports of ${name}: InferenceSession and Tensor`,
    given: Object.keys((module as object | undefined) ?? {}).join(', ') || 'none',
  });
}
