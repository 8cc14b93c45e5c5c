/** The package onnxruntime-node, which few users have. */

/** Not written into the import, so that bundlers and compilers do not look for a package that need not be there. */
const name: string = 'onnxruntime-node';

export const onnxruntimeNode = {
  name,
  load: (): Promise<unknown> => import(/* webpackIgnore: true */ /* @vite-ignore */ name),
};
