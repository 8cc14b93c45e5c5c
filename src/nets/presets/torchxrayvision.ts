/**
 * torchxrayvision's classifiers. Names of outputs, operating thresholds and input come from its source, torchxrayvision/models.py and README
 * (mlmed/torchxrayvision, Apache-2.0). There an empty name means that the training data did not have the disease.
 *
 * Its `forward` applies a sigmoid and then rescales each probability so that the operating threshold becomes 0.5; an output without a
 * threshold is always 0.5. raybox gives the probability itself and compares it with the threshold. The numbers differ from
 * torchxrayvision's, but the findings are the same.
 *
 * The files of the DenseNets are networks of the class torchxrayvision.models.DenseNet that were saved whole. All have the same shapes, and
 * none has names or thresholds, so their structure alone does not tell them apart.
 */
import type { WeightsMetadata } from '../../formats/weights/weights.js';
import type { Preset, Structure } from './preset.js';

/** The outputs of all its classifiers, in their order. */
export const TORCHXRAYVISION: readonly string[] = [
  ...['Atelectasis', 'Consolidation', 'Infiltration', 'Pneumothorax', 'Edema', 'Emphysema', 'Fibrosis', 'Effusion'],
  ...['Pneumonia', 'Pleural_Thickening', 'Cardiomegaly', 'Nodule', 'Mass', 'Hernia', 'Lung Lesion', 'Fracture'],
  ...['Lung Opacity', 'Enlarged Cardiomediastinum'],
];

/** Its input: values from −1024 to 1024, of images that are cut to a square and then resized (XRayCenterCrop, XRayResizer). */
export const inputOf = (side: number) =>
  ({
    mean: [0.5],
    std: [1 / 2048],
    inputWidth: side,
    inputHeight: side,
    fit: 'crop',
  }) satisfies Partial<WeightsMetadata>;

const CLASS = /^torchxrayvision\.models\.(DenseNet|ResNet)$/;

/** Whether a network was saved whole by torchxrayvision. */
export const isOfTorchxrayvision = ({ classes }: Structure) => classes.some((type) => CLASS.test(type));

const ALL =
  'Cohen et al., TorchXRayVision: A library of chest X-ray datasets and models, MIDL 2022; Cohen et al., On the limits of cross-domain generalization in automated X-ray prediction, MIDL 2020';

/** @param thresholds those in the source, with null instead of NaN for a disease that was not trained */
function densenet(
  name: string,
  trainingData: string,
  fileName: string,
  thresholds: readonly (number | null)[],
): Preset {
  return {
    name: `densenet121-res224-${name}`,
    title: `torchxrayvision's densenet121-res224-${name}`,
    labels: TORCHXRAYVISION.map((label, index) => (thresholds[index] === null ? null : label)),
    operatingThresholds: thresholds,
    fields: { ...inputOf(224), trainingData, license: 'Apache-2.0' },
    inputChannels: 1,
    citation: ALL,
    fileName: `${fileName}-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.pt`,
    fits: (structure) =>
      structure.backbone === 'densenet121' &&
      structure.inputChannels === 1 &&
      structure.outputs === TORCHXRAYVISION.length &&
      /(^|\.)classifier$/.test(structure.prediction)
        ? `${isOfTorchxrayvision(structure) ? 'its class torchxrayvision.models.DenseNet, ' : ''}a DenseNet-121 of one channel with a classifier of 18 outputs`
        : undefined,
  };
}

const no = null;

export const torchxrayvision: readonly Preset[] = [
  densenet(
    'all',
    'NIH ChestX-ray14, PadChest, CheXpert, MIMIC-CXR, Google, OpenI, RSNA',
    'nih-pc-chex-mimic_ch-google-openi-kaggle',
    [
      ...[0.07422872, 0.038290843, 0.09814756, 0.0098118475, 0.023601074, 0.0022490358, 0.010060724, 0.103246614],
      ...[0.056810737, 0.026791653, 0.050318155, 0.023985857, 0.01939503, 0.042889766, 0.053369623, 0.035975814],
      ...[0.20204692, 0.05015312],
    ],
  ),
  densenet('nih', 'NIH ChestX-ray14', 'nih', [
    ...[0.039117552, 0.0034529066, 0.11396341, 0.0057298196, 0.00045666535, 0.0018880932, 0.012037827, 0.038744126],
    ...[0.0037213727, 0.014730946, 0.016149804, 0.054241467, 0.037198864, 0.0004403434, no, no, no, no],
  ]),
  densenet('pc', 'PadChest', 'pc', [
    ...[0.031012505, 0.013347598, 0.081435576, 0.001262615, 0.002587246, 0.0035944257, 0.0023071, 0.055412333],
    ...[0.044385884, 0.042766232, 0.043258056, 0.037629247, 0.005658899, 0.0091741895, no, 0.026507627, no, no],
  ]),
  densenet('chex', 'CheXpert', 'chex', [
    ...[0.1988969, 0.05710573, no, 0.0531293, 0.1435217, no, no, 0.27212676, 0.07749717, no, 0.19712369, no, no, no],
    ...[0.09932402, 0.09273402, 0.3270967, 0.10888247],
  ]),
  densenet('rsna', 'RSNA Pneumonia Detection Challenge', 'kaggle', [
    ...[no, no, no, no, no, no, no, no, 0.13486601, no, no, no, no, no, no, no, 0.13511065, no],
  ]),
  densenet('mimic_nb', 'MIMIC-CXR (labels by NegBio)', 'mimic_nb', [
    ...[0.08558747, 0.011884617, no, 0.0040595434, 0.010733786, no, no, 0.118761964, 0.022924708, no, 0.06358637],
    ...[no, no, no, 0.022143636, 0.017476924, 0.1258702, 0.014020768],
  ]),
  densenet('mimic_ch', 'MIMIC-CXR (labels by CheXpert)', 'mimic_ch', [
    ...[0.09121389, 0.010573786, no, 0.005023008, 0.003698257, no, no, 0.08001232, 0.037242252, no, 0.05006329],
    ...[no, no, no, 0.019866971, 0.03823637, 0.11303808, 0.0069147074],
  ]),
  {
    name: 'resnet50-res512-all',
    title: "torchxrayvision's resnet50-res512-all",
    // The source names all 18 outputs, but has no threshold for two of them, because the data sets do not have these diseases.
    labels: TORCHXRAYVISION.map((label) => (/^(Lung Lesion|Enlarged)/.test(label) ? null : label)),
    operatingThresholds: [
      ...[0.51570356, 0.50444704, 0.53787947, 0.50723547, 0.5025118, 0.5035252, 0.5038076, 0.51862943, 0.5078151],
      ...[0.50724894, 0.5056339, 0.510706, 0.5053923, 0.5020846, no, 0.5080557, 0.5138526, no],
    ],
    fields: {
      ...inputOf(512),
      trainingData: 'PadChest, NIH ChestX-ray14, RSNA, SIIM-ACR, VinDr-CXR',
      license: 'Apache-2.0',
    },
    inputChannels: 1,
    citation: ALL,
    fileName: 'pc-nih-rsna-siim-vin-resnet50-test512-e400-state.pt',
    fits: ({ backbone, inputChannels, outputs, prediction }) =>
      backbone === 'resnet50' &&
      inputChannels === 1 &&
      outputs === TORCHXRAYVISION.length &&
      /(^|\.)fc$/.test(prediction)
        ? 'a ResNet-50 of one channel with an fc of 18 outputs'
        : undefined,
  },
];
