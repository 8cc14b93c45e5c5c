/** What an overlay is drawn from. */
import type { Finding, ShownBoxes } from '../formats/findings.js';
import type { Image } from '../formats/images/pixels.js';
import type { Heatmap, HeatmapScaling } from './heatmap.js';

export interface OverlayInput {
  image: Image;
  /** Shown above the key, such as the file's name. */
  title: string;
  findings: readonly Finding[];
  /** Default `best`: the best box of each of the three most probable findings. */
  boxes?: ShownBoxes | undefined;
  /** By class, in the order of the network's outputs. */
  probabilities: Readonly<Record<string, number>>;
  /** Maps over the whole image, for each class that has findings. Their values may have any scale. */
  heatmaps?: Readonly<Record<string, Heatmap>>;
  /** Default `minmax`. */
  heatmapScaling?: HeatmapScaling;
  /** Operating thresholds by class. */
  operatingThresholds?: Readonly<Record<string, number>>;
  /** A warning that is shown in a conspicuous colour. */
  notice?: string;
}
