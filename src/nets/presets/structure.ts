/** Collects from a checkpoint what public checkpoints are recognised by. */

import type { Checkpoint } from '../../formats/weights/checkpoint.js';
import type { FamilyNetwork } from '../architecture.js';
import { descriptionOf } from '../backbone.js';
import type { Structure } from './preset.js';

/** @param tensors the tensors by the names that the network uses */
export function structureOf(
  { tensors: file, modules, metadata, name }: Checkpoint,
  tensors: Checkpoint['tensors'],
  { backbone, head }: FamilyNetwork,
  inputChannels: 1 | 3,
): Structure {
  const { prediction = 'head.prediction' } = head;
  const weight = tensors.get(`${prediction}.weight`);
  const inFile = [...file].find(([, tensor]) => tensor === weight)?.[0] ?? `${prediction}.weight`;
  return {
    backbone: typeof backbone === 'string' ? backbone : undefined,
    family: descriptionOf(backbone).family,
    inputChannels,
    outputs: head.classes,
    prediction: inFile.replace(/\.weight$/, ''),
    hasOldNames: [...file.keys()].some((one) => /\.denselayer\d+\.(norm|conv)\.[12]\./.test(one)),
    classes: modules ? outerClasses(modules) : [],
    settings: metadata,
    operating: (tensors.get('op_threshs') ?? file.get('op_threshs'))?.data,
    fileName: name?.toLowerCase(),
  };
}

/** The class of the outermost module and, as long as a module has only one part, the class of that part. */
function outerClasses(modules: NonNullable<Checkpoint['modules']>): string[] {
  const classes: string[] = [];
  for (let name = ''; modules.has(name); ) {
    const { type, children } = modules.get(name)!;
    classes.push(type);
    if (children.length !== 1) break;
    name = name === '' ? children[0] : `${name}.${children[0]}`;
  }
  return classes;
}
