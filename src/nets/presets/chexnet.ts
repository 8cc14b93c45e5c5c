/**
 * Implementations of CheXNet (Rajpurkar et al. 2017): a DenseNet-121 with one linear layer and a sigmoid. Its input has three equal channels
 * with ImageNet's normalisation. The facts come from the repository that each row names (model.py, ChexnetTrainer.py, cxr_dataset.py,
 * model_train.py).
 *
 * The files of arnoweng and zoogzog are state dicts whose tensors have the same names, in the spelling of torchvision before 0.2.1. gaetandi
 * adapted zoogzog's code to the labels of CheXpert in a later year: those files have today's spelling and other outputs.
 */
import { CHEST_XRAY14_LABELS } from '../../formats/data_sets/image_table.js';
import { IMAGENET } from '../description/input_layouts.js';
import type { Preset, Structure } from './preset.js';

const INPUT = { ...IMAGENET, inputWidth: 224, inputHeight: 224, fit: 'crop' } as const;
const NIH = { ...INPUT, trainingData: 'NIH ChestX-ray14', license: 'none stated' };

const CHEXPERT = [
  ...['No Finding', 'Enlarged Cardiomediastinum', 'Cardiomegaly', 'Lung Opacity', 'Lung Lesion', 'Edema'],
  ...['Consolidation', 'Pneumonia', 'Atelectasis', 'Pneumothorax', 'Pleural Effusion', 'Pleural Other', 'Fracture'],
  'Support Devices',
];

/** Whether it is a DenseNet-121 with 14 outputs whose names begin with `densenet121`, because another module contains it. */
const isWrapped = ({ backbone, inputChannels, outputs, prediction }: Structure) =>
  backbone === 'densenet121' &&
  inputChannels === 3 &&
  outputs === 14 &&
  /^(module\.)?densenet121\.classifier\.0$/.test(prediction);

const wrapped = (structure: Structure) =>
  isWrapped(structure)
    ? `a DenseNet-121 under densenet121 with a classifier.0 of 14 outputs${structure.hasOldNames ? ', and the names that its layers had up to the beginning of 2018 (norm.1)' : ''}`
    : undefined;

const TEN_CROPS =
  'The repository averages the outputs for ten crops of 224 pixels out of an image of 256; here the network sees the whole image at 224, so scores differ a little';
const RAJPURKAR =
  'Rajpurkar et al., CheXNet: Radiologist-level pneumonia detection on chest X-rays with deep learning, 2017';

export const chexnet: readonly Preset[] = [
  {
    name: 'arnoweng-chexnet',
    title: 'arnoweng/CheXNet',
    labels: CHEST_XRAY14_LABELS,
    fields: NIH,
    inputChannels: 3,
    citation: `${RAJPURKAR}; github.com/arnoweng/CheXNet`,
    note: TEN_CROPS,
    fits: wrapped,
  },
  {
    name: 'zoogzog-chexnet',
    title: 'zoogzog/chexnet',
    labels: CHEST_XRAY14_LABELS,
    fields: NIH,
    inputChannels: 3,
    citation: `${RAJPURKAR}; github.com/zoogzog/chexnet`,
    note: TEN_CROPS,
    fileName: 'm-25012018-123527.pth.tar',
    fits: wrapped,
  },
  {
    name: 'gaetandi-chexpert',
    title: 'gaetandi/cheXpert',
    labels: CHEXPERT,
    fields: { ...INPUT, trainingData: 'CheXpert', license: 'none stated' },
    inputChannels: 3,
    citation: 'Irvin et al., CheXpert, AAAI 2019; github.com/gaetandi/cheXpert',
    note: TEN_CROPS,
    // CheXpert was published in 2019. By then torchvision no longer used the old names.
    fits: (structure) => (structure.hasOldNames ? undefined : wrapped(structure)),
  },
  {
    name: 'jrzech-chexnet',
    title: 'jrzech/reproduce-chexnet',
    labels: CHEST_XRAY14_LABELS,
    fields: { ...NIH, license: 'BSD-3-Clause' },
    inputChannels: 3,
    citation: `${RAJPURKAR}; Zech, reproduce-chexnet, 2018: github.com/jrzech/reproduce-chexnet`,
    // The file is a dict with the network saved whole, best_loss, epoch, rng_state and LR.
    fits: ({ backbone, inputChannels, outputs, prediction, classes, settings }) =>
      backbone === 'densenet121' &&
      inputChannels === 3 &&
      outputs === 14 &&
      prediction === 'classifier.0' &&
      classes[0] === 'torchvision.models.densenet.DenseNet' &&
      ['best_loss', 'epoch', 'LR'].every((name) => Object.hasOwn(settings, name))
        ? "torchvision's DenseNet-121 saved whole with a classifier.0 of 14 outputs, beside best_loss, epoch and LR"
        : undefined,
  },
];
