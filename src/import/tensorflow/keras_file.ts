/** Reads models that Keras saved in one file: HDF5 (`model.h5`), or the archive of Keras 3 (`model.keras`). */
import { InputError } from '../../errors.js';
import { isObject } from '../../formats/checks.js';
import { type Hdf5Object, openHdf5 } from '../../formats/hdf5/hdf5.js';
import { parseJson } from '../../formats/json.js';
import { partsOf } from '../../formats/parts.js';
import { openZip, type ZipEntry } from '../../formats/zip.js';
import type { Constant } from '../plain.js';
import { archiveWeights, h5Weights } from './keras_weights.js';

export interface KerasFile {
  /** The model's class and its configuration: layers, and how they are joined. */
  readonly config: unknown;
  /** The version of Keras that wrote the file, if it says so. */
  readonly version: unknown;
  readonly weights: ReadonlyMap<string, Constant>;
}

/** A longer configuration is refused: those of the largest classifiers have some hundred kilobytes. */
const MOST_CONFIG = 64 << 20;

const SAVE_WHOLE = "save the model with its network: model.save('model.keras') or model.save('model.h5')";

/** @throws InputError for weights without their network, and for files that Keras does not write */
export const readKerasFile = (bytes: Uint8Array): KerasFile =>
  bytes[0] === 0x50 ? readArchive(openZip(partsOf(bytes))) : readH5(openHdf5(bytes));

function readH5(root: Hdf5Object): KerasFile {
  const config = root.texts('model_config')?.[0];
  if (config === undefined) {
    const isWeights = ['layers', 'vars', '_layer_checkpoint_dependencies'].some((name) => root.names.includes(name));
    if (isWeights || root.texts('layer_names') || root.texts('layer_names0'))
      throw new InputError('keras: the file has weights without their network, as save_weights writes them', {
        hint: SAVE_WHOLE,
      });
    throw new InputError('keras: this HDF5 file is not a model that Keras saved', {
      expected: 'the attribute model_config and the group model_weights',
      given: root.names.slice(0, 6).join(', ').slice(0, 120) || 'an empty file',
    });
  }
  const saved = root.get('model_weights');
  if (!saved) throw new InputError('keras: the file has no group model_weights', { hint: SAVE_WHOLE });
  const model = parseConfig(config, 'model_config');
  const version = root.texts('keras_version')?.[0] ?? saved.texts('keras_version')?.[0];
  return { config: model, version, weights: h5Weights(model, saved) };
}

function readArchive(entries: ReadonlyMap<string, ZipEntry>): KerasFile {
  const read = (name: string) => entries.get(name)?.read();
  const json = (name: string) => {
    const bytes = read(name);
    return bytes && parseConfig(new TextDecoder().decode(bytes.subarray(0, MOST_CONFIG + 1)), name);
  };
  const config = json('config.json');
  if (config === undefined)
    throw new InputError('keras: the archive has no config.json', {
      given: [...entries.keys()].slice(0, 6).join(', ').slice(0, 120),
      hint: SAVE_WHOLE,
    });
  const bytes = read('model.weights.h5');
  if (!bytes)
    throw new InputError('keras: the archive has no model.weights.h5', {
      given: [...entries.keys()].slice(0, 6).join(', ').slice(0, 120),
      hint: 'weights in several files or in npz are not read: save the model as one .keras file, or as model.h5',
    });
  const metadata = json('metadata.json');
  const version = isObject(metadata) ? metadata.keras_version : undefined;
  return { config, version: version ?? '3', weights: archiveWeights(config, openHdf5(bytes)) };
}

function parseConfig(text: string, what: string): unknown {
  if (text.length > MOST_CONFIG)
    throw new InputError(`keras: ${what} is too long`, { expected: `at most ${MOST_CONFIG} characters` });
  return parseJson(text, what);
}
