/**
 * The networks of Chester the AI radiology assistant (mlmed/chester-xray, CC BY-NC 4.0), which are TensorFlow.js graph models in shards. The
 * facts come from its config.json files and system.js: the image is cut to a square and resized, its values go from 0 to IMAGE_SCALE, and a
 * disease counts as found if its output is at least its OP_POINT. Everything after that is in the graph itself. These presets are only used
 * if the caller names them: recognition by structure looks at torch checkpoints and safetensors, and these networks are neither.
 */
import type { Preset } from './preset.js';
import { TORCHXRAYVISION, torchxrayvision } from './torchxrayvision.js';

const chester = (
  name: string,
  scale: number,
  labels: readonly string[],
  thresholds: Preset['operatingThresholds'],
): Preset => ({
  name: `chester-${name}`,
  title: `Chester's ${name}`,
  labels,
  operatingThresholds: thresholds,
  fields: {
    ...{ mean: [0], std: [1 / scale], inputWidth: 224, inputHeight: 224, fit: 'crop' },
    ...{
      trainingData: scale === 1 ? 'NIH ChestX-ray14' : torchxrayvision[0].fields.trainingData,
      license: 'CC BY-NC 4.0',
    },
  },
  inputChannels: 1,
  citation: 'Cohen et al., Chester: A web delivered locally computed chest X-ray disease prediction system, 2019',
  fits: () => undefined,
});

export const chesters: readonly Preset[] = [
  chester('xrv-all-45rot15trans15scale', 1024, TORCHXRAYVISION, torchxrayvision[0].operatingThresholds),
  chester('chestxnet-45rot15trans15scale4byte', 1, TORCHXRAYVISION.slice(0, 14), [
    ...[0.10651981830596924, 0.03304215893149376, 0.16219697892665863, 0.024247966706752777, 0.014286902733147144],
    ...[0.008996985852718353, 0.020681504160165787, 0.09284962713718414, 0.01555431168526411, 0.033134546130895615],
    ...[0.012090340256690979, 0.04846248775720596, 0.03860514238476753, 0.0004677231190726161],
  ]),
];
