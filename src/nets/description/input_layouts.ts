/** What is assumed about a network's input and outputs if nothing says it. */

/** The mean and standard deviation of ImageNet's pixels, with which torchvision's weights were trained. */
export const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** The normalisation that is assumed if nothing says which one a network was trained with. */
export const assumedNormalisation = (channels: 1 | 3) => (channels === 3 ? IMAGENET : { mean: [0.5], std: [0.25] });

/** Names for outputs that have none. */
export const unnamed = (count: number) => Array.from({ length: count }, (_, index) => `output ${index}`);
