/** Images as the input of a network, without a GPU. */
import { InputError } from '../../../src/errors.js';
import { bitsOf } from '../../../src/formats/images/pixels.js';
import { examineImage } from '../../../src/localizer/images/examine.js';
import type { PixelImage } from '../../../src/localizer/images/image_input.js';
import type { Model } from '../../../src/nets/model.js';
import { findImages } from '../../../src/node/dataset.js';
import { openImageThreads } from '../../../src/node/threads/image_threads.js';
import { preprocessOnCpu } from '../../../src/ops/images/preprocess_on_cpu.js';
import { drawPhantom } from '../../../src/phantom/index.js';

/** So many images, from a folder evenly spread over its names, or phantoms. Each is [size, size, channels]. */
export async function modelInputs(
  { inputWidth: size, inputChannels, fit, mean, std, channelOrder: order }: Model['metadata'],
  count: number,
  folder: string | undefined,
): Promise<Float64Array[]> {
  const images = folder ? await read(folder, count) : drawn(count);
  return images.map((given) => {
    const image = examineImage(given);
    const { width, height, channels } = image;
    const how = { width, height, channels, bits: bitsOf(image), size, fit, mean, std, order, scale: 1 };
    const numbers = new Float64Array(size * size * inputChannels);
    preprocessOnCpu(image.data, how, numbers, { first: 0, pixel: inputChannels, channel: 1 });
    return numbers;
  });
}

const drawn = (count: number): PixelImage[] =>
  Array.from({ length: count }, (_, index) => drawPhantom({ seed: 1, index, size: 256 }).image);

async function read(folder: string, count: number): Promise<PixelImage[]> {
  const paths = [...(await findImages(folder)).values()];
  if (paths.length < count)
    throw new InputError('too few images', { expected: `${count} in ${folder}`, given: String(paths.length) });
  const threads = openImageThreads(1);
  try {
    const chosen = Array.from({ length: count }, (_, i) => paths[Math.floor((i * paths.length) / count)]);
    return await Promise.all(chosen.map((path) => threads.run('read', [path, {}])));
  } finally {
    await threads.close();
  }
}
