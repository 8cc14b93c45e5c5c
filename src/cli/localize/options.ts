/** The options of `raybox localize`. */

import { DEFAULT_HEAT_THRESHOLDS } from '../../formats/heat_thresholds.js';
import type { DecodeOptions } from '../../formats/images/pixels.js';
import { isProbability } from '../../formats/operating_thresholds.js';
import { DEFAULT_BATCH } from '../../localizer/batches.js';
import type { LoadOptions } from '../../localizer/load_options.js';
import { type Command, Option } from '../../node/vendor/commander.js';
import { DEFAULT_MAX_BOXES, MAX_BOXES } from '../../ops/boxes/component_boxes.js';
import { checkHeatThresholds } from '../../ops/boxes/heat.js';
import { adapterOption, backendOption } from '../adapter_option.js';
import { addImageOptions, threadsOption } from '../image_options.js';
import { number, numberList, numbersByName, refuseFormerOption, UsageError, wholeNumber } from '../terminal.js';
import { addWeightsOptions, classList, WEIGHTS_FORMATS, type WeightsOptions } from '../weights_options.js';

/** Their values, as commander gives them. */
export interface Options extends DecodeOptions, WeightsOptions {
  /** Default: those for X-rays of patients that come with raybox. */
  weights?: string;
  out?: string;
  overlay?: string;
  allBoxes?: true;
  classes?: readonly string[];
  operatingThresholds?: Record<string, number>;
  heatThresholds?: number[];
  maxBoxes?: number;
  minRegion?: number;
  lungMask?: 'off' | 'auto' | 'drop';
  batch?: number;
  precision?: LoadOptions['precision'];
  adapter?: string;
  backend?: LoadOptions['backend'];
  threads?: number;
}

/** Adds all of them to the command. */
export function addLocalizeOptions(command: Command): Command {
  addWeightsOptions(command)
    .option('--weights <file>', `${WEIGHTS_FORMATS}; default: those for X-rays of patients that come with raybox`)
    .option('--out <file>', 'results as .jsonl, .csv or .coco.json; default: JSON lines on stdout')
    .option('--overlay <dir>', 'folder for a PNG of each image: heatmap, boxes, probabilities')
    .option('--all-boxes', 'overlays show all boxes, not only the best one of each of the three most probable findings')
    .option('--classes <names>', 'localize these classes, whatever their probability: Mass,Nodule', classList)
    .option(
      '--operating-thresholds <list>',
      'operating thresholds to use instead of those of the weights: Mass=0.4,Nodule=0.3',
      probabilitiesByName,
    )
    .option(
      '--heat-thresholds <list>',
      `values at which heatmaps, scaled to 0 … 255, are cut into regions; default: as the weights say, else ${DEFAULT_HEAT_THRESHOLDS}`,
      heatThresholdList,
    )
    .option(
      '--max-boxes <n>',
      `the most boxes of a class at one heat threshold; default: ${DEFAULT_MAX_BOXES}`,
      wholeNumber(1, MAX_BOXES),
    )
    .option(
      '--min-region <cells>',
      'regions with fewer cells of the heatmap get no box; default: as the weights say, else 0',
      number(0),
    )
    .addOption(
      new Option(
        '--lung-mask <mode>',
        'boxes outside of lungs and heart: auto marks them, drop leaves them out; default: off',
      ).choices(['off', 'auto', 'drop']),
    )
    .option('--batch <n>', 'images in one run of the network', wholeNumber(1, 1024), DEFAULT_BATCH)
    .addOption(
      new Option(
        '--precision <type>',
        'what the network computes with; int8 needs weights with ranges of activations (raybox quantize --calibrate); default: f32',
      ).choices(['f32', 'f16', 'int8']),
    )
    .addOption(threadsOption('decode images and draw overlays'))
    .addOption(backendOption())
    .addOption(adapterOption());
  refuseFormerOption(command, '--thresholds', '--operating-thresholds');
  return addImageOptions(command);
}

function heatThresholdList(text: string): number[] {
  const values = numberList(text);
  try {
    checkHeatThresholds(values);
  } catch (error) {
    throw new UsageError(`--heat-thresholds ${text}: ${(error as Error).message}`);
  }
  return values;
}

function probabilitiesByName(text: string): Record<string, number> {
  const values = numbersByName(text);
  if (!Object.values(values).every(isProbability))
    throw new UsageError('--operating-thresholds: probabilities are numbers from 0 to 1');
  return values;
}
