/** Adds the options of training to a command. They are the same for all programs that train. */

import { CHEST_XRAY8_LABELS } from '../../formats/data_sets/image_table.js';
import { LEAST_R0, POOLINGS } from '../../formats/weights/poolings.js';
import { backboneNames } from '../../nets/index.js';
import { type Command, Option } from '../../node/vendor/commander.js';
import { type Augmentation, DEFAULT_AUGMENTATION } from '../../train/augmentation.js';
import { adapterOption } from '../adapter_option.js';
import { addImageOptions, threadsOption } from '../image_options.js';
import { nameList, number, numberList, numbersByName, wholeNumber } from '../terminal.js';
import { classList } from '../weights_options.js';

/** Adds all options except those for the folders of the data and of the run. */
export function addTrainingOptions(command: Command): Command {
  addImageOptions(command);
  addNetworkOptions(command);
  addUpdateOptions(command);
  addLossOptions(command);
  addParameterOptions(command);
  addOrderOptions(command);
  addDataOptions(command);
  addMachineOptions(command);
  return command
    .option(
      '--training-data <text>',
      'what the weights say about their training data; default: the name of the data folder',
    )
    .option('--license <text>', 'the licence that the weights name', 'unknown');
}

/** Adds the options for the network and the weights that it starts from. */
function addNetworkOptions(command: Command): void {
  command
    .option('--backbone <name>', `${backboneNames.join(', ')}; or a JSON description`)
    .option('--init <weights>', 'safetensors or torch checkpoint to start from; default: random weights')
    .option('--metadata <json>', 'which input --init expects, if it does not say it: mean, std, channelOrder, …')
    .option(
      '--prefix <name>',
      'if --init has several networks: beginning of the names of its tensors, or name of its dict',
    )
    .option('--ignore <names>', 'beginnings of the names of tensors of --init that are not used', nameList)
    .option('--init-cache <dir>', 'folder that keeps an --init from the web, so that it is fetched only once')
    .option('--init-integrity <hash>', 'hash that --init must have: sha256-… (or sha384, sha512) in base64')
    .option('--classes <names>', '8, 14, or some of the 14: Mass,Nodule', classList, CHEST_XRAY8_LABELS)
    .option('--size <pixels>', 'width and height of the network’s input', wholeNumber(1, 8192), 224)
    .addOption(
      new Option('--channels <n>', 'channels of the input; default: those of --init, else 1').choices(['1', '3']),
    )
    .option(
      '--columns <modules>',
      'only for a SqueezeNet or an Inception v3: numbers of the modules whose outputs are joined, such as 6,7,8,9; default: the last',
      numberList,
    )
    .option(
      '--transition <channels>',
      'channels of the transition layer, 0 for none; default: as many as the backbone puts out',
      wholeNumber(0, 65_536),
    )
    .addOption(
      new Option(
        '--pooling <kind>',
        'pooling of the features (lse, average, max) or of class maps; default: lse',
      ).choices(POOLINGS),
    )
    .option('--lse-r <r>', 'sharpness of log-sum-exp pooling; default: 10', number(1e-6, 1e6))
    .option(
      '--top-k <n>',
      'with top-k: how many of the highest positions count; default: a tenth of all',
      wholeNumber(1, 999_999),
    )
    .option(
      '--attention-channels <n>',
      'with attention: channels of its hidden layer; default: 128',
      wholeNumber(1, 65_536),
    )
    .option('--lse-r0 <r>', 'with lse-lba: lower bound of the learnt sharpness; default: 4', number(LEAST_R0, 1e6))
    .option('--low-k <n>', 'with top-k: how many of the lowest positions count; default: 0', wholeNumber(0, 999_999))
    .addOption(
      new Option('--heatmap-scaling <kind>', 'how heatmaps are scaled; written into the weights').choices([
        'minmax',
        'relu',
      ]),
    );
}

/** Adds the options for the updates and their learning rate. */
function addUpdateOptions(command: Command): void {
  command
    .option('--epochs <n>', 'passes through all training images', wholeNumber(1, 1e6), 20)
    .option('--batch <n>', 'images of a batch', wholeNumber(1, 4096), 16)
    .option('--accumulate <n>', 'batches for each update', wholeNumber(1, 4096), 1)
    .addOption(
      new Option('--optimizer <kind>', 'how parameters are updated').choices(['adamw', 'sgd']).default('adamw'),
    )
    .option('--lr <rate>', 'learning rate; default: 0.001 for adamw, 0.0001 for sgd', number(0))
    .option('--momentum <share>', 'momentum of sgd', number(0, 1), 0.9)
    .option('--nesterov', 'use Nesterov’s form of momentum')
    .option('--weight-decay <factor>', 'weight decay, of both optimizers', number(0), 1e-4)
    .addOption(
      new Option('--schedule <kind>', 'how the learning rate changes')
        .choices(['constant', 'step', 'cosine'])
        .default('cosine'),
    )
    .option('--warm-up <epochs>', 'epochs in which the learning rate rises to its full value', number(0), 0)
    .option(
      '--decay-every <epochs>',
      'epochs between the tenfold decays of --schedule step; default: a third of the run',
      number(1e-3),
    );
}

/** Adds the options for the loss, and for training without epochs. */
function addLossOptions(command: Command): void {
  command
    .addOption(
      new Option('--loss <kind>', 'one of the paper’s four losses, or focal loss')
        .choices(['w-cel', 'cel', 'hinge', 'euclidean', 'focal'])
        .default('w-cel'),
    )
    .option('--per-class', 'with w-cel: β is computed for each class')
    .option(
      '--ridge <penalties>',
      'train without epochs: solve the prediction layer for the features of a frozen backbone; of several penalties, each class gets the best one in cross-validation',
      numberList,
    )
    .option('--ridge-folds <n>', 'folds of the cross-validation of --ridge, split by patient', wholeNumber(2, 1000), 5);
}

/** Adds the options for which parameters are trained, and how. */
function addParameterOptions(command: Command): void {
  command
    .option('--clip-norm <limit>', 'limit of the norm of all gradients', number(1e-12))
    .option(
      '--average <decay>',
      'score and save a moving average of the weights over the updates: its decay, such as 0.998',
      number(1e-6, 1 - 1e-9),
    )
    .option(
      '--freeze <names>',
      'beginnings of the names of parameters that are not trained; backbone: all except the head',
      nameList,
    )
    .option(
      '--rates <list>',
      'factors of the learning rate by the beginnings of parameters’ names: layer4=0.1,head=10',
      numbersByName,
    )
    .addOption(
      new Option(
        '--batch-norm <mode>',
        'statistics of batch norms: of the batch (train), fixed in frozen layers (unfrozen) or everywhere (frozen); default: train, with --freeze unfrozen, with --freeze backbone frozen',
      ).choices(['train', 'unfrozen', 'frozen']),
    );
}

/** Adds the options for augmentation, random numbers and the end of the training. */
function addOrderOptions(command: Command): void {
  command
    .option(
      '--augment <list>',
      `random changes of images, rotation in degrees, others as shares; default: ${asList(DEFAULT_AUGMENTATION)}`,
      numbersByName,
    )
    .option('--no-augment', 'train on images as they are')
    .option('--seed <n>', 'seed of the split, the order, augmentation and random weights', wholeNumber(0, 2 ** 32), 0)
    .option(
      '--patience <epochs>',
      'epochs without a better validation AUC after which the run ends; 0: never',
      wholeNumber(0, 1e6),
      5,
    );
}

/** Adds the options for the images to train on, to validate on and to test on. */
function addDataOptions(command: Command): void {
  command
    .option('--train-list <file>', 'image names to train on, with --validation-list')
    .option('--validation-list <file>', 'image names to validate on')
    .option('--test-list <file>', 'image names that are kept for testing')
    .option('--validation <share>', 'share of the images to validate on, by patient; default: 0.1', number(0, 0.9))
    .option(
      '--test <share>',
      'share of the images to test on, by patient; default: as the data set’s list says, else 0.2',
      number(0, 0.9),
    )
    .option('--skip-broken', 'leave out, and count, rows and images that cannot be read');
}

/** Adds the options for checkpoints and for the use of the machine. */
function addMachineOptions(command: Command): void {
  command
    .option(
      '--checkpoint-minutes <n>',
      'minutes between checkpoints within an epoch; there is also one after each epoch; default: 10',
      number(0),
    )
    .addOption(threadsOption('decode images'))
    .option(
      '--cache <mebibytes>',
      'memory for decoded images; default: a quarter of the machine’s memory',
      wholeNumber(0, 1e7),
    )
    .option(
      '--image-cache <dir>',
      'folder that keeps decoded images for later epochs and runs: two bytes for each pixel of the network’s input',
    )
    .option(
      '--activation-cache <dir>',
      'folder that keeps what frozen first layers compute for each image, so that epochs compute only the rest; augmentation may only mirror',
    )
    .addOption(
      new Option(
        '--activation-type <type>',
        'numbers in --activation-cache: f32 gives the same results as without it, f16 takes half the room and rounds; default: f32',
      ).choices(['f32', 'f16']),
    )
    .option(
      '--memory <mebibytes>',
      'memory of the GPU that a step may take; default: all of it. Activations that do not fit are computed twice',
      wholeNumber(1, 1e7),
    )
    .addOption(adapterOption());
}

const asList = (augmentation: Augmentation) =>
  Object.entries(augmentation)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
