/** Writes the model card, a page that goes with trained weights: the network, its training, its scores and its limits. */
import { isGraph } from '../formats/weights/graph_description.js';
import { poolingText } from '../nets/head/pooling_text.js';
import type { EpochRecord } from './checkpoint.js';
import type { ClassCount } from './data.js';
import type { TrainSettings } from './settings.js';

export interface ModelCard {
  settings: TrainSettings;
  counts: readonly ClassCount[];
  /** Numbers of images for training and validation. */
  images: { train: number; validation: number };
  best: EpochRecord;
  trainingData: string;
  license: string;
  /** The command that has trained the weights. */
  command: string;
  /** The weights that training started from, and the parameters that did not come from them. */
  init?: { from: string; fresh: readonly string[] };
  adapter: string;
  version: string;
}

function networkFacts({ architecture }: TrainSettings): Record<string, string> {
  if (isGraph(architecture)) return { Network: `a graph of ${architecture.nodes.length} operations, in the file` };
  const { backbone, head } = architecture;
  const { transition } = head;
  return {
    Network: typeof backbone === 'string' ? backbone : `${backbone.family} (${JSON.stringify(backbone)})`,
    'Transition layer': transition
      ? `${transition.kernel}×${transition.kernel}, ${transition.channels} channels`
      : 'none',
    Pooling: poolingText(head),
  };
}

/** The model card in Markdown. */
export function modelCard(card: ModelCard): string {
  const { settings, counts, images, best, init } = card;
  const { input, loss, optimizer, schedule, augmentation, ridge } = settings;
  const rows = counts.map(({ label, train, validation }) => {
    const auc = best.auc[label];
    return `| ${label} | ${train} | ${validation} | ${auc === null || auc === undefined ? '–' : auc.toFixed(3)} |`;
  });
  const facts = {
    ...networkFacts(settings),
    Input: `${input.size}×${input.size}, ${input.channels === 1 ? 'grey' : input.channelOrder}, ${input.fit}`,
    ...(ridge
      ? { 'Prediction layer': `ridge regression on frozen features, ${ridgeText(ridge)}` }
      : {
          Loss: inline(loss),
          Optimizer: `${inline(optimizer)}, learning rate ${settings.learningRate}, schedule ${inline(schedule)}`,
          Batch: `${settings.batch} × ${settings.accumulate} micro-batches; batch norm: ${settings.batchNorm}`,
          Augmentation: inline({ kind: '', ...augmentation }),
        }),
    'Started from': init
      ? `${init.from}; new: ${init.fresh.join(', ') || 'nothing'}`
      : `random weights, seed ${settings.seed}`,
    ...(ridge ? {} : { Epoch: `${best.epoch} of at most ${settings.epochs}, chosen by mean validation AUC` }),
    'Made with': `raybox ${card.version} on ${card.adapter}`,
    License: card.license,
  };
  return `# Weights

Trained from image-level labels only, without any box. **Research use only; no medical device.**

${Object.entries(facts)
  .map(([name, value]) => `- ${name}: ${value}`)
  .join('\n')}

\`\`\`
${card.command}
\`\`\`

## Data

${card.trainingData}: ${images.train} images trained on, ${images.validation} for validation. Images with boxes were left out.

| Class | training | validation | validation AUC |
| --- | ---: | ---: | ---: |
${rows.join('\n')}

Mean validation AUC: ${best.meanAuc.toFixed(3)}. ${ridge ? 'The' : 'The epoch and the'} operating thresholds in the file were chosen on these validation images${
    ridge
      ? ''
      : `, so
these figures flatter the network`
  }; \`raybox evaluate\` on the images of \`test.txt\` gives ${ridge ? 'figures' : 'honest ones,'} with intervals.

## Limits

- It knows the data named above and nothing else: other machines, patients or ways to label may change everything.
- Probabilities are no prevalences: a weighted loss and few positives shift them. Calibrate before reading them as such.
- Boxes come from class activation maps. They show where the evidence lies for the network, which may be a tube or a marker.
- A class with few images above was hardly learnt, whatever its AUC says.
`;
}

const ridgeText = ({ penalties, folds }: NonNullable<TrainSettings['ridge']>) =>
  penalties.length === 1
    ? `penalty ${penalties[0]}`
    : `each class's penalty chosen among ${penalties.join(', ')} by ${folds}-fold cross-validation over patients`;

function inline({ kind, ...rest }: { kind: string }): string {
  const more = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(' / ') : value}`)
    .join(', ');
  return [kind, more].filter(Boolean).join(': ');
}
