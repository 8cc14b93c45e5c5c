/** The order of channels: raybox and TensorFlow.js have them last, the others first. */

/** Numbers in NCHW in the order NHWC, in which raybox and TensorFlow.js take them. */
export function channelsLast(values: Float32Array, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const turned = new Float32Array(values.length);
  eachPlace(shape, (first, last) => {
    turned[last] = values[first];
  });
  return turned;
}

/** Numbers in NHWC in the order NCHW. */
export function channelsFirst(values: Float32Array, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const turned = new Float32Array(values.length);
  eachPlace(shape, (first, last) => {
    turned[first] = values[last];
  });
  return turned;
}

/** Calls a function with the place of each number in NCHW and in NHWC. */
function eachPlace(
  [batch, channels, height, width]: readonly number[],
  take: (first: number, last: number) => void,
): void {
  const positions = height * width;
  for (let n = 0, first = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < positions; p++) take(first++, (n * positions + p) * channels + c);
    }
  }
}
