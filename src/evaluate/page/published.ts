/**
 * The figures printed in the paper, for comparison: Wang et al., "ChestX-ray8", CVPR 2017, and its extended version
 * arXiv:1705.02315v5. They were measured on the authors' test sets with the labels of that time. So a difference from them is only a hint,
 * and does not show which network is better.
 */
import { CHEST_XRAY8_LABELS, CHEST_XRAY14_LABELS } from '../../formats/data_sets/image_table.js';
import type { Criterion } from '../localization.js';

export interface PublishedAuc {
  setting: string;
  labels: readonly string[];
  auc: readonly number[];
}

/** ROC areas of Table 3 (eight diseases) and Table 17 (fourteen). ResNet-50 was trained with W-CEL unless CEL is named. */
export const PUBLISHED_AUC: readonly PublishedAuc[] = [
  {
    setting: 'AlexNet, ChestX-ray8',
    labels: CHEST_XRAY8_LABELS,
    auc: [0.6458, 0.6925, 0.6642, 0.6041, 0.5644, 0.6487, 0.5493, 0.7425],
  },
  {
    setting: 'GoogLeNet, ChestX-ray8',
    labels: CHEST_XRAY8_LABELS,
    auc: [0.6307, 0.7056, 0.6876, 0.6088, 0.5363, 0.5579, 0.599, 0.7824],
  },
  {
    setting: 'VGGNet-16, ChestX-ray8',
    labels: CHEST_XRAY8_LABELS,
    auc: [0.6281, 0.7084, 0.6502, 0.5896, 0.5103, 0.6556, 0.51, 0.7516],
  },
  {
    setting: 'ResNet-50, ChestX-ray8',
    labels: CHEST_XRAY8_LABELS,
    auc: [0.7069, 0.8141, 0.7362, 0.6128, 0.5609, 0.7164, 0.6333, 0.7891],
  },
  {
    setting: 'ResNet-50 with CEL, ChestX-ray8',
    labels: CHEST_XRAY8_LABELS,
    auc: [0.7064, 0.7262, 0.7351, 0.6084, 0.553, 0.6545, 0.5164, 0.7665],
  },
  {
    setting: 'ResNet-50, ChestX-ray14',
    labels: CHEST_XRAY14_LABELS,
    auc: [0.7003, 0.81, 0.7585, 0.6614, 0.6933, 0.6687, 0.658, 0.7993, 0.7032, 0.8052, 0.833, 0.7859, 0.6835, 0.8717],
  },
];

export interface PublishedLocalization extends Criterion {
  /** By disease in the order of `CHEST_XRAY8_LABELS`, like the false positives. */
  accuracy: readonly number[];
  averageFalsePositives: readonly number[];
}

/** Boxes per disease in `BBox_List_2017.csv`, in the order of `CHEST_XRAY8_LABELS`: 984 together. */
export const PUBLISHED_BOXES = [180, 146, 153, 123, 85, 79, 120, 98] as const;

/** Tables 4 and 7: ResNet-50 trained on ChestX-ray8. The paper cuts accuracies to four digits instead of rounding them. */
export const PUBLISHED_LOCALIZATION: readonly PublishedLocalization[] = [
  {
    measure: 'IoBB',
    threshold: 0.1,
    accuracy: [0.7277, 0.9931, 0.7124, 0.7886, 0.4352, 0.1645, 0.75, 0.4591],
    averageFalsePositives: [0.8323, 0.3506, 0.7998, 0.5589, 0.6423, 0.6047, 0.9055, 0.4776],
  },
  {
    measure: 'IoBB',
    threshold: 0.25,
    accuracy: [0.55, 0.9794, 0.5424, 0.5772, 0.2823, 0.0506, 0.5583, 0.3469],
    averageFalsePositives: [0.9167, 0.4553, 0.8598, 0.6077, 0.6707, 0.6158, 0.9614, 0.5],
  },
  {
    measure: 'IoBB',
    threshold: 0.5,
    accuracy: [0.2833, 0.8767, 0.3333, 0.4227, 0.1411, 0.0126, 0.3833, 0.1836],
    averageFalsePositives: [1.0203, 0.563, 0.9268, 0.6585, 0.6941, 0.6189, 1.0132, 0.5285],
  },
  {
    measure: 'IoBB',
    threshold: 0.75,
    accuracy: [0.1666, 0.726, 0.2418, 0.3252, 0.1176, 0.0126, 0.2583, 0.102],
    averageFalsePositives: [1.0619, 0.6616, 0.9603, 0.6921, 0.7043, 0.6199, 1.0569, 0.5396],
  },
  {
    measure: 'IoBB',
    threshold: 0.9,
    accuracy: [0.1333, 0.6849, 0.2091, 0.252, 0.0588, 0.0126, 0.2416, 0.0816],
    averageFalsePositives: [1.0752, 0.7226, 0.9797, 0.7124, 0.7144, 0.6199, 1.0732, 0.5437],
  },
  {
    measure: 'IoU',
    threshold: 0.1,
    accuracy: [0.6888, 0.9383, 0.6601, 0.7073, 0.4, 0.1392, 0.6333, 0.3775],
    averageFalsePositives: [0.8943, 0.5996, 0.8343, 0.625, 0.6666, 0.6077, 1.0203, 0.4949],
  },
  {
    measure: 'IoU',
    threshold: 0.2,
    accuracy: [0.4722, 0.6849, 0.4509, 0.4796, 0.2588, 0.0506, 0.35, 0.2346],
    averageFalsePositives: [0.9827, 0.7205, 0.9096, 0.6849, 0.6941, 0.6158, 1.0793, 0.5173],
  },
  {
    measure: 'IoU',
    threshold: 0.3,
    accuracy: [0.2444, 0.4589, 0.3006, 0.2764, 0.1529, 0.0379, 0.1666, 0.1326],
    averageFalsePositives: [1.0417, 0.7815, 0.9472, 0.7236, 0.7073, 0.6168, 1.1067, 0.5325],
  },
  {
    measure: 'IoU',
    threshold: 0.4,
    accuracy: [0.0944, 0.2808, 0.2026, 0.1219, 0.0705, 0.0126, 0.075, 0.0714],
    averageFalsePositives: [1.0783, 0.814, 0.9705, 0.7489, 0.7164, 0.6189, 1.1239, 0.5427],
  },
  {
    measure: 'IoU',
    threshold: 0.5,
    accuracy: [0.05, 0.178, 0.1111, 0.065, 0.0117, 0.0126, 0.0333, 0.0306],
    averageFalsePositives: [1.0884, 0.8354, 0.9919, 0.7571, 0.7215, 0.6189, 1.1291, 0.5478],
  },
  {
    measure: 'IoU',
    threshold: 0.6,
    accuracy: [0.0222, 0.0753, 0.0457, 0.0243, 0.0, 0.0126, 0.0166, 0.0306],
    averageFalsePositives: [1.0935, 0.8506, 1.0051, 0.7632, 0.7226, 0.6189, 1.1321, 0.5478],
  },
  {
    measure: 'IoU',
    threshold: 0.7,
    accuracy: [0.0055, 0.0273, 0.0196, 0.0, 0.0, 0.0, 0.0083, 0.0204],
    averageFalsePositives: [1.0965, 0.8577, 1.009, 0.7663, 0.7226, 0.6199, 1.1331, 0.5488],
  },
];

/** Table 19: ResNet-50 trained on ChestX-ray14. */
export const PUBLISHED_LOCALIZATION14: readonly PublishedLocalization[] = [
  {
    measure: 'IoBB',
    threshold: 0.1,
    accuracy: [0.6222, 1, 0.7974, 0.9106, 0.5882, 0.1519, 0.8583, 0.5204],
    averageFalsePositives: [0.8293, 0.1768, 0.6148, 0.4919, 0.3933, 0.4685, 0.436, 0.4543],
  },
  {
    measure: 'IoBB',
    threshold: 0.25,
    accuracy: [0.3944, 0.9863, 0.6339, 0.7967, 0.4588, 0.0506, 0.7083, 0.3367],
    averageFalsePositives: [0.9319, 0.2042, 0.688, 0.5447, 0.4288, 0.4786, 0.4959, 0.4857],
  },
  {
    measure: 'IoBB',
    threshold: 0.5,
    accuracy: [0.1944, 0.9452, 0.4183, 0.6504, 0.3058, 0, 0.4833, 0.2653],
    averageFalsePositives: [0.9979, 0.2785, 0.7652, 0.6006, 0.4604, 0.4827, 0.563, 0.503],
  },
  {
    measure: 'IoBB',
    threshold: 0.75,
    accuracy: [0.0889, 0.8151, 0.2287, 0.439, 0.1647, 0, 0.2917, 0.1735],
    averageFalsePositives: [1.0285, 0.4045, 0.8222, 0.6697, 0.4827, 0.4827, 0.6169, 0.5243],
  },
  {
    measure: 'IoBB',
    threshold: 0.9,
    accuracy: [0.0722, 0.6507, 0.1373, 0.3577, 0.0941, 0, 0.2333, 0.1224],
    averageFalsePositives: [1.0356, 0.4837, 0.8445, 0.7043, 0.4939, 0.4827, 0.6331, 0.5346],
  },
];
