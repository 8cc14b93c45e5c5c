/** The options `--adapter` and `--backend`, the same for every command that has them. */
import { BACKENDS } from '../localizer/backend.js';
import type { LoadOptions } from '../localizer/load_options.js';
import type { Localizer } from '../localizer/localizer.js';
import { Option } from '../node/vendor/commander.js';

/** Gives a command the text as `adapter`, for `openGpu`, which takes `RAYBOX_ADAPTER` where it is undefined. */
export const adapterOption = (): Option =>
  new Option('--adapter <name>', 'part of an adapter’s name, or swiftshader; default: RAYBOX_ADAPTER, else the best');

/** For commands that run weights. The default is that of `load`. */
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

/** What the user of a command is told about where the network runs: nothing if it is what is usual. */
export const backendNote = ({ backend: { name, reason } }: Localizer): string | undefined =>
  name === 'onnxruntime' && reason !== 'asked for' ? `The network runs in onnxruntime: ${reason}.` : undefined;
