/** The option `--adapter`, the same for every command that uses the GPU. */
import { Option } from '../node/vendor/commander.js';

/** Gives a command the text as `adapter`, for `openGpu`, which takes `RAYBOX_ADAPTER` where it is undefined. */
export const adapterOption = (): Option =>
  new Option('--adapter <name>', 'part of an adapter’s name, or swiftshader; default: RAYBOX_ADAPTER, else the best');
