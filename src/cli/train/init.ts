/** The weights that a training run starts from. */
import { InputError } from '../../errors.js';
import type { Checkpoint } from '../../formats/weights/checkpoint.js';
import { readTensors } from '../../localizer/weights/model.js';
import { say } from '../terminal.js';

/** The options of `raybox train` about the weights to start from. */
export interface InitSource {
  /** Path or URL of the weights. */
  init?: string;
  /** The folder that keeps them if they are from the web, and their hash; see `cache` and `integrity` of `load`. */
  initCache?: string;
  initIntegrity?: string;
  /** Which of several networks in the file. */
  prefix?: string;
}

/**
 * Reads them, and prints what has to be said about a kept file. Undefined if there are none.
 * @throws InputError if they cannot be read, or if options without weights are given
 */
export async function readInit({
  init,
  initCache,
  initIntegrity,
  prefix,
}: InitSource): Promise<Checkpoint | undefined> {
  if (init === undefined) {
    const option =
      initCache !== undefined ? '--init-cache' : initIntegrity !== undefined ? '--init-integrity' : undefined;
    if (option) throw new InputError(`${option} belongs to --init`, { hint: 'name the weights to start from' });
    return undefined;
  }
  const options = {
    ...(prefix === undefined ? {} : { prefix }),
    ...(initCache === undefined ? {} : { cache: initCache }),
    ...(initIntegrity === undefined ? {} : { integrity: initIntegrity }),
  };
  const { checkpoint, warnings } = await readTensors(init, options).catch((cause) => {
    throw cause instanceof InputError ? new InputError(`--init: ${cause.message}`, { cause }) : cause;
  });
  for (const { message } of warnings) say(`raybox: ${init}: ${message}`);
  if (checkpoint.network)
    throw new InputError(
      `--init: ${init} is a model with a network of its own, as ONNX, TensorFlow.js and Keras write it`,
      {
        expected:
          "weights of the backbone that is trained, under torchvision's names: safetensors or a torch checkpoint",
        hint: 'save the same network from PyTorch: torch.save(model.state_dict(), FILE)',
      },
    );
  return checkpoint;
}
