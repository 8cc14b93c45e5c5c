/** Options: the tables on the pages have exactly those of the functions, and each function refuses values of a wrong type by name. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { numbersByName } from '../../src/cli/terminal.js';
import { InputError } from '../../src/errors.js';
import { evaluate, evaluationPage, maskScorer, maskTruth, readShapes } from '../../src/evaluate/index.js';
import { createGraph } from '../../src/graph/ir/graph.js';
import { load } from '../../src/index.js';
import { KNOWN_OPTIONS } from '../../src/localizer/load_options.js';
import {
  averagePool,
  conv2d,
  convTranspose2d,
  extractBoxes,
  gemm,
  lpPool,
  maxPool,
  resize,
  resizeAxis,
} from '../../src/ops/index.js';
import { checkOptions, nearestOf, type OptionKinds } from '../../src/options.js';
import { drawPhantom } from '../../src/phantom/index.js';
import { mineReport } from '../../src/reports/index.js';
import {
  adamw,
  constant,
  cosine,
  createTrainer,
  crossEntropy,
  euclidean,
  fitPrediction,
  focal,
  hinge,
  selectData,
  sgd,
  startOf,
  stepDecay,
  warmUp,
  weightedCrossEntropy,
} from '../../src/train/index.js';
import { TRAIN_OPTIONS } from '../../src/train/options.js';
import { lossOf } from '../../src/train/settings.js';
import { TRAINER_OPTIONS } from '../../src/train/trainer_options.js';
import { createCheckedPlan as createPlan } from '../../src/verify/checked_plan.js';

const read = (page: string) => readFileSync(new URL(`../../../${page}`, import.meta.url), 'utf8');
const page = read('src/localizer/README.md');

/** Rows of the tables whose first heading is `heading`: the names in the first cell, and the second cell. */
function rowsOf(text: string, heading: string): { names: string[]; second: string }[] {
  const rows: { names: string[]; second: string }[] = [];
  for (const table of text.split('\n\n').filter((part) => part.startsWith(`| ${heading} |`))) {
    for (const line of table.trim().split('\n').slice(2)) {
      const [, first, second] = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
      rows.push({ names: [...first.matchAll(/`(\w+)`/g)].map(([, name]) => name), second });
    }
  }
  return rows;
}

const sorted = (names: readonly string[]) => [...names].sort();

test('the page of the Localizer lists every option of load', () => {
  const listed = rowsOf(page, 'option of `load`').flatMap(({ names }) => names);
  assert.equal(sorted(listed), sorted(Object.keys(KNOWN_OPTIONS.load)));
});

for (const call of ['localize', 'localizeAll', 'classify'] as const) {
  test(`the page of the Localizer lists every option of ${call}`, () => {
    const rows = rowsOf(page, 'option').filter(({ second }) => second === 'all' || second.includes(`\`${call}\``));
    const listed = rows.flatMap(({ names }) => names);
    assert.equal(sorted(listed), sorted(Object.keys(KNOWN_OPTIONS[call])));
  });
}

test('the README lists the options of localize', () => {
  const listed = rowsOf(read('README.md'), 'option of `localize`').flatMap(({ names }) => names);
  assert.equal(sorted(listed), sorted(Object.keys(KNOWN_OPTIONS.localize)));
});

test('a misspelt word is distinguished from another word', () => {
  const slips = {
    precison: 'precision',
    cahce: 'cache',
    Cache: 'cache',
    singal: 'signal',
    classs: 'classes',
    inputWdith: 'inputWidth',
  };
  for (const [slip, meant] of Object.entries(slips))
    assert.is(nearestOf(slip, Object.keys(KNOWN_OPTIONS.load)), meant, slip);
  for (const other of ['colour', 'c', '', 'ehcac', 'x'.repeat(100)])
    assert.is(nearestOf(other, Object.keys(KNOWN_OPTIONS.load)), undefined, other);
});

/** The error of `work`, which has to be an InputError. */
async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    assert.instance(error, InputError, String(error));
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}

/** Options that are checked where they are used, because more than their type has to be right. */
const CHECKED_ELSEWHERE = ['architecture', 'backend', 'heatThresholds', 'maxBoxes', 'onnxruntime', 'size'];

test('every option refuses values of other types than its own by name', async () => {
  const values = [5, Number.NaN, 'x', true, {}, [5], null, Symbol('x'), () => 5, Object.create(null)];
  const tables: Record<string, OptionKinds> = {
    ...{ ...KNOWN_OPTIONS, train: TRAIN_OPTIONS, createTrainer: TRAINER_OPTIONS },
  };
  for (const [call, kinds] of Object.entries(tables))
    for (const [name, kind] of Object.entries(kinds)) {
      checkOptions(call, { [name]: undefined }, kinds);
      const refused: string[] = [];
      for (const value of values)
        try {
          checkOptions(call, { [name]: value }, kinds);
        } catch (error) {
          assert.instance(error, InputError);
          refused.push((error as Error).message);
        }
      for (const message of refused) assert.ok(message.startsWith(`${call}: ${name}; expected `), message);
      const least = kind === 'anything' ? 0 : 5;
      assert.ok(refused.length >= least, `${call}: ${name} refuses ${refused.length} of ${values.length} values`);
      if (kind === 'anything') assert.ok(CHECKED_ELSEWHERE.includes(name), `${call}: ${name} is checked nowhere`);
    }
});

test('functions refuse wrong values before anything begins', async () => {
  const wrong = [
    ...[{ onProgress: 5 }, { prefix: 5 }, { device: {} }, { dawn: 5 }, { maxBytes: 'x' }, { maxBytes: Number.NaN }],
    ...[{ adapter: 5 }, { metadata: 5 }, { externalData: 5 }, { license: 5 }, { inputWidth: '224' }, { tune: 0 }],
    ...[{ powerPreference: 'high' }, { precision: 'f64' }, { classes: 'Mass' }, { mean: 0.5 }, { boxRules: [] }],
  ];
  for (const options of wrong) {
    const message = await refusal(() => load('/nowhere/weights.safetensors', options as never));
    assert.ok(message.startsWith(`load: ${Object.keys(options)[0]}; expected `), message);
  }
  assert.match(
    await refusal(() => mineReport('Normal.', { explain: 'no' as never })),
    /^mineReport: explain; expected/,
  );
  const input = { table: {}, predictions: [] } as never;
  assert.match(
    await refusal(() => evaluate(input, { classes: 'Mass' as never })),
    /^evaluate: classes; expected a list/,
  );
  assert.match(await refusal(() => evaluate(input, { test: 'a.png' as never })), /^evaluate: test; .*given 'a\.png'/);
});

test('every function with options refuses a misspelt name, and says what was meant', async () => {
  const nothing = {} as never;
  const g = createGraph();
  const x = g.input('x', [1, 8, 8, 4]);
  const calls: Record<string, [misspelt: string, meant: string, call: (options: never) => unknown]> = {
    sgd: ['weight_decay', 'weightDecay', sgd],
    adamw: ['epsilom', 'epsilon', adamw],
    weightedCrossEntropy: ['perclass', 'perClass', weightedCrossEntropy],
    focal: ['gama', 'gamma', focal],
    stepDecay: ['evry', 'every', stepDecay],
    cosine: ['step', 'steps', cosine],
    warmUp: ['afer', 'after', warmUp],
    createTrainer: ['clipNrom', 'clipNorm', (options) => createTrainer(nothing, options)],
    fitPrediction: ['keepr', 'keeper', fitPrediction],
    startOf: ['poolng', 'pooling', startOf],
    selectData: ['boxd', 'boxed', (options) => selectData(nothing, nothing, options)],
    evaluationPage: ['titel', 'title', (options) => evaluationPage(nothing, options)],
    maskScorer: ['maskThreshold', 'maskThresholds', (options) => maskScorer(nothing, options)],
    maskTruth: ['lables', 'labels', (options) => maskTruth(nothing, options)],
    readShapes: ['indx', 'index', (options) => readShapes('{}', 'marks.json', options)],
    drawPhantom: ['desease', 'diseases', drawPhantom],
    conv2d: ['strides', 'stride', (options) => conv2d(g, x, x, undefined, options)],
    maxPool: ['kernal', 'kernel', (options) => maxPool(g, x, options)],
    averagePool: ['countIncludePadding', 'countIncludePad', (options) => averagePool(g, x, options)],
    resize: ['heigth', 'height', (options) => resize(g, x, options)],
    gemm: ['tranposeA', 'transposeA', (options) => gemm(g, x, x, undefined, options)],
    convTranspose2d: ['outputPading', 'outputPadding', (options) => convTranspose2d(g, x, x, undefined, options)],
    lpPool: ['pading', 'padding', (options) => lpPool(g, x, options)],
    resizeAxis: ['coordinate', 'coordinates', (options) => resizeAxis(g, x, 1, options)],
    extractBoxes: ['heatThreshold', 'heatThresholds', (options) => extractBoxes(g, x, undefined, options)],
  };
  for (const [name, [misspelt, meant, call]] of Object.entries(calls)) {
    const message = await refusal(() => call({ [misspelt]: 1 } as never));
    assert.ok(message.startsWith(`${name} has no option ${misspelt}`), message);
    assert.ok(message.includes(`did you mean ${meant}?`), message);
  }
});

test('functions without options refuse all, and what has no default may not be missing', async () => {
  for (const [name, call] of Object.entries({ crossEntropy, hinge, euclidean, constant }) as [
    string,
    (o?: never) => unknown,
  ][]) {
    call();
    assert.is(await refusal(() => call({ alpha: 0.5 } as never)), `${name} has no options; given alpha`);
    assert.is(await refusal(() => call(5 as never)), `${name} has no options; given 5`);
  }
  assert.throws(() => lossOf({ kind: 'hinge', perClass: true } as never), /hinge has no options; given perClass/);
  const gpu = { device: { createBuffer: () => {} } } as never;
  const whole = {
    ...{ architecture: () => {}, batch: 1, size: 32, loss: crossEntropy(), optimizer: sgd(), batchNorm: 'train' },
  };
  const wrong: [RegExp, unknown][] = [
    [/createTrainer: the options are not an object/, undefined],
    ...Object.keys(whole).map((name): [RegExp, unknown] => [
      new RegExp(`createTrainer: ${name} is missing`),
      { ...whole, [name]: undefined },
    ]),
    [/createTrainer: size; expected/, { ...whole, size: 'x' }],
    [/createTrainer: size; expected/, { ...whole, size: [32] }],
    [/createTrainer: optimizer; expected what sgd or adamw gives/, { ...whole, optimizer: {} }],
    [/a part has no option mach; .*did you mean match/, { ...whole, parts: [{ mach: 'head' }] }],
    [/a part: match is missing/, { ...whole, parts: [{ frozen: true }] }],
    [/a part: match; expected a regular expression/, { ...whole, parts: [{ match: 5 }] }],
    [/a part: rate; expected a number/, { ...whole, parts: [{ match: '', rate: '1' }] }],
    [/^parts; expected a list/, { ...whole, parts: { match: 'head' } }],
  ];
  for (const [message, options] of wrong)
    assert.match(await refusal(() => createTrainer(gpu, options as never)), message);
  for (const other of [undefined, {}])
    assert.match(
      await refusal(() => createTrainer(other as never, whole as never)),
      /no Gpu; expected what openGpu gives/,
    );
  for (const other of [undefined, {}])
    assert.match(
      await refusal(() => createPlan(other as never, createGraph().finish([]))),
      /createPlan: the first argument is no Gpu; expected what openGpu gives/,
    );
  for (const other of [undefined, {}, createGraph()])
    assert.match(
      await refusal(() => createPlan(gpu, other as never)),
      /createPlan: the second argument is no graph; expected what finish of createGraph gives/,
    );
  assert.match(await refusal(() => startOf(undefined as never)), /startOf: the options are not an object/);
  assert.match(await refusal(() => startOf({ classes: ['Mass'], size: 32 } as never)), /startOf: seed is missing/);
});

test('numbers that make no sense are refused by name', async () => {
  const wrong: [RegExp, () => unknown][] = [
    [/focal: gamma/, () => focal({ gamma: Number.POSITIVE_INFINITY })],
    [/focal: gamma/, () => focal({ gamma: -1 })],
    [/focal: alpha/, () => focal({ alpha: 7 })],
    [/cosine: the options are not an object/, () => cosine(undefined as never)],
    [/warmUp: after is missing/, () => warmUp({ steps: 3 } as never)],
    [/startOf: classes.*Mass twice/, () => startOf({ classes: ['Mass', 'Mass'], size: 32, seed: 1 })],
    [/startOf: classes.*given none/, () => startOf({ classes: [], size: 32, seed: 1 })],
  ];
  for (const [message, work] of wrong) assert.match(await refusal(work), message);
  assert.throws(() => numbersByName('Mass=0.1,Mass=0.9'), /It gives Mass twice/);
});

test.run();
