/** What is assumed of a network's input and outputs where nobody says it. */

/** ImageNet's, with which torchvision's weights were trained. */
export const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** What is assumed of the pixels that a network takes, where nobody says it: ImageNet's for three channels. */
export const assumedNormalisation = (channels: 1 | 3) => (channels === 3 ? IMAGENET : { mean: [0.5], std: [0.25] });

/** Outputs that nobody named. */
export const unnamed = (count: number) => Array.from({ length: count }, (_, index) => `output ${index}`);
