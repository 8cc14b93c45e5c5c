/** The options `--adapter` and `--backend`, the same for every command that has them. */

import type { LoadOptions } from '../localizer/load_options.js';
import type { Localizer } from '../localizer/localizer.js';
import { BACKENDS } from '../localizer/session/backend.js';
import { Option } from '../node/vendor/commander.js';

/** The option `--adapter`. It has no default here, because `openGpu` uses `RAYBOX_ADAPTER` if no adapter is given. */
export const adapterOption = (): Option =>
  new Option('--adapter <name>', 'part of an adapter’s name, or swiftshader; default: RAYBOX_ADAPTER, else the best');

/** The option `--backend`, for commands that run weights. The default is that of `load`. */
export const backendOption = (): Option =>
  new Option(
    '--backend <name>',
    'what runs the network: webgpu, or onnxruntime (npm install onnxruntime-node); default: RAYBOX_BACKEND, else auto: WebGPU if there is a GPU',
  ).choices(BACKENDS);

/** The two options as `load` takes them. */
export const runOptions = ({ adapter, backend }: Pick<LoadOptions, 'adapter' | 'backend'>) => ({
  ...(adapter ? { adapter } : {}),
  ...(backend ? { backend } : {}),
});

/** A message that the network runs in onnxruntime and why; undefined if the user has asked for it, or if WebGPU is used. */
export const backendNote = ({ backend: { name, reason } }: Localizer): string | undefined =>
  name === 'onnxruntime' && reason !== 'asked for' ? `The network runs in onnxruntime: ${reason}.` : undefined;
