/** What `raybox inspect` prints, unless it prints JSON. */
import { stat } from 'node:fs/promises';
import { counted } from '../errors.js';
import { isGraph } from '../formats/weights/graph_description.js';
import { poolingNumbers } from '../formats/weights/poolings.js';
import type { WeightsMetadata } from '../formats/weights/weights.js';
import type { Architecture } from '../nets/architecture.js';
import type { Backbone } from '../nets/backbone.js';
import type { Source, Sources } from '../nets/description/describe_network.js';
import type { Model } from '../nets/model.js';
import type { Warning } from '../warnings.js';
import { table } from './terminal.js';
import { leftOutText } from './weights_options.js';

/** What `raybox inspect` found out about a weights file. */
export interface Inspection {
  file: string;
  /** Only for a network that is a backbone, with or without a head. Other networks have a graph in the metadata. */
  architecture?: Architecture;
  metadata?: WeightsMetadata;
  /** Where each field of the metadata is from. Fields that are not listed are from the file. */
  sources: Sources;
  /** The public checkpoint that it is, or whose layout it has, and why. */
  layout?: Model['layout'];
  /** What was assumed about the weights. */
  warnings: readonly Warning[];
  /** Why the network cannot be run: the file has a backbone, but no head that raybox knows. */
  refused?: string;
  input: { batch: number; width: number; height: number; channels: number };
  features: readonly number[];
  heatmap?: readonly number[];
  parameters: { total: number; backbone: number; head: number };
  /** How many tensors the file stores as 8-bit integers with scales. */
  int8?: number;
  /** Tensors of the file that take no part in the result. */
  leftOut: readonly string[];
  flops: number;
  memory: Record<'f32' | 'f16', { weights: number; activations: number; largest: number }>;
  layers: { name: string; operation: string; shape: readonly number[]; flops: number }[];
}

function describeBackbone(backbone: string | Backbone): string {
  if (typeof backbone === 'string') return backbone;
  const { family, ...rest } = backbone;
  const text = JSON.stringify(rest);
  return `${family} ${text.length > 200 ? `${text.slice(0, 200)}…` : text}`;
}

const describeGraph = (graph: unknown) =>
  isGraph(graph) ? `a graph of ${graph.nodes.length} operations` : 'given as a function';

const mebibytes = (bytes: number) =>
  bytes < 2 ** 20 ? `${Math.ceil(bytes / 2 ** 10)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;

const millions = (count: number) => (count < 1e5 ? String(count) : `${(count / 1e6).toFixed(2)} million`);

const round = (value: number) => Number(value.toPrecision(6));

const boxesOf = ({
  heatmapScaling,
  heatmapBorder = 0,
  heatThresholds,
  minRegion = 0,
  boxRules = {},
  heatmapMethod = 'cam',
}: WeightsMetadata) =>
  `heatmaps${heatmapMethod === 'cam' ? '' : ` by ${heatmapMethod}`} from ${heatmapScaling === 'relu' ? '0' : 'their minimum'} to their maximum${heatmapBorder > 0 ? `, without their outer ${heatmapBorder === 1 ? 'cells' : `${heatmapBorder} cells`}` : ''}${heatThresholds ? `, cut at ${heatThresholds.join(' and ')}` : ''}${minRegion > 0 ? `, smallest region ${minRegion} of their cells` : ''}${Object.keys(boxRules).length > 0 ? `; by rules of their own for ${Object.keys(boxRules).join(', ')}` : ''}`;

const layoutText = ({ title, marks, citation, candidates }: NonNullable<Model['layout']>) =>
  [
    `${title}, told by ${marks}`,
    ...(citation ? [citation] : []),
    ...(candidates ? [`one of ${candidates.join(', ')}`] : []),
  ].join('; ');

const SOURCES: Record<Source, string> = {
  given: 'given',
  preset: 'by the preset',
  file: 'said by the file',
  layout: 'by a public layout',
  shapes: 'by names and shapes',
  assumed: 'assumed',
};

/** An inspection as a table of facts, and, with `layers`, one of the layers. */
export async function format(one: Inspection, { layers }: { layers?: boolean | undefined }): Promise<string> {
  const rows = [...(await fileRows(one)), ...headRows(one), ...metadataRows(one), ...costRows(one)];
  if (one.leftOut.length > 0) rows.push(['Left out', `${leftOutText(one.leftOut)}, which take no part`]);
  rows.push(...one.warnings.map(({ message }) => ['Warning', message]));
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const text = rows.map(([name, value]) => `${name.padEnd(width)}${value}\n`).join('');
  return layers ? `${text}\n${layerTable(one)}` : text;
}

/** A text about a field of the metadata, with where the field is from. Nothing is added if it is from the file. */
function withSource({ sources, metadata }: Inspection, field: keyof WeightsMetadata, text: string): string {
  const source = sources[field] ?? (metadata?.assumed?.includes(field) ? 'assumed' : undefined);
  return source === undefined ? text : `${text} (${SOURCES[source]})`;
}

async function fileRows(one: Inspection): Promise<string[][]> {
  const { architecture, metadata, layout, int8 } = one;
  const size = (await stat(one.file).catch(() => undefined))?.size;
  return [
    ['File', one.file + (size === undefined ? '' : `, ${mebibytes(size)}`)],
    architecture
      ? ['Backbone', withSource(one, 'architecture', describeBackbone(architecture.backbone))]
      : ['Network', withSource(one, 'architecture', describeGraph(metadata?.architecture))],
    ...(layout ? [['Layout', layoutText(layout)]] : []),
    ...(int8 === undefined
      ? []
      : [['Stored', `${counted(int8, 'tensor')} as 8-bit integers with a scale for each output channel`]]),
  ];
}

function headRows(one: Inspection): string[][] {
  const { architecture } = one;
  if (!architecture) return [];
  if (!architecture.head) return [['Head', `none that can be run: ${one.refused}`]];
  const { transition, pooling, classes, prediction } = architecture.head;
  const { r: lseR, ...others } = architecture.head;
  const numbers = [
    ...(lseR === undefined ? [] : [withSource(one, 'lseR', `r = ${lseR}`)]),
    ...Object.entries(poolingNumbers(others)).map(([name, value]) =>
      withSource(one, name as keyof WeightsMetadata, `${name} = ${value}`),
    ),
  ];
  const parts = [
    transition
      ? `${transition.kernel}×${transition.kernel} transition to ${transition.channels} channels`
      : 'no transition layer',
    withSource(one, 'pooling', `${pooling} pooling`) + numbers.map((text) => ` with ${text}`).join(','),
    `${classes} classes${prediction === undefined ? '' : ` of ${withSource(one, 'prediction', prediction)}`}`,
  ];
  return [['Head', parts.join(', ')]];
}

function metadataRows(one: Inspection): string[][] {
  const { metadata } = one;
  if (!metadata) return [];
  const {
    classes,
    operatingThresholds = {},
    mean,
    std,
    channelOrder,
    fit,
    trainingData,
    license,
    activationRanges,
  } = metadata;
  const from = (field: keyof WeightsMetadata, text: string) => withSource(one, field, text);
  const named = classes.map((name) =>
    Object.hasOwn(operatingThresholds, name) ? `${name} ≥ ${round(operatingThresholds[name])}` : name,
  );
  const size = from('inputWidth', `${metadata.inputWidth} × ${metadata.inputHeight}`);
  const order = metadata.inputChannels === 1 ? 'grey' : from('channelOrder', channelOrder);
  return [
    ['Classes', from('classes', named.join(', '))],
    ['Input', [size, order, from('fit', fit), from('mean', `mean ${mean}`), from('std', `std ${std}`)].join(', ')],
    ['Boxes', boxesOf(metadata)],
    ...(activationRanges
      ? [['8-bit arithmetic', `ranges of activations for ${counted(Object.keys(activationRanges).length, 'layer')}`]]
      : []),
    ['Training', trainingData === 'none' ? 'none: the weights are random' : trainingData],
    ['Licence', license],
  ];
}

/** How much work and memory the network takes. */
function costRows({ parameters, input, features, heatmap, flops, memory }: Inspection): string[][] {
  const types = ['f32', 'f16'] as const;
  return [
    [
      'Parameters',
      `${millions(parameters.total)} (backbone ${millions(parameters.backbone)}, head ${millions(parameters.head)})`,
    ],
    ['At', `${input.batch} × ${input.height} × ${input.width} × ${input.channels}`],
    ['Features', features.join(' × ') + (heatmap ? `; heatmaps ${heatmap.join(' × ')}` : '')],
    ['Work', `${(flops / 1e9).toFixed(3)} GFLOP (a multiply-add counts as two)`],
    ...types.map((type) => {
      const { weights, activations, largest } = memory[type];
      const text = `weights ${mebibytes(weights)}, activations ${mebibytes(activations)}, largest tensor ${mebibytes(largest)}`;
      return [`Memory ${type}`, text];
    }),
  ];
}

function layerTable({ layers }: Inspection): string {
  const list = layers.map(({ name, operation, shape, flops }) => [
    name,
    operation,
    shape.join('×'),
    (flops / 1e6).toFixed(2),
  ]);
  return table([['layer', 'operation', 'output', 'MFLOP'], ...list]);
}
