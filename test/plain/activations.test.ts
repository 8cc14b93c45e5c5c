/** Activations: values and slopes as torch has them, and the kinds that a written network may name. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { activate, exampleActivations, slopeOf } from '../../src/ops/layers/activation.formulas.js';
import { ACTIVATIONS, type Activation, slopeFromOutput } from '../../src/ops/layers/activations.js';

// torch.nn.functional in float64 (1.13), the slopes by autograd. Where torch has a kink, no value lies on it.
const X = [-20, -6, -3.5, -2.5, -1, -0.25, 0.1, 0.5, 1, 2.75, 4.5, 20];
const TORCH: readonly [spec: Activation, values: readonly number[], slopes: readonly number[]][] = [
  [
    { kind: 'hard_sigmoid' },
    [0, 0, 0, 1 / 12, 1 / 3, 11 / 24, 31 / 60, 7 / 12, 2 / 3, 23 / 24, 1, 1],
    [0, 0, 0, 1 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6, 0, 0],
  ],
  [
    { kind: 'hard_swish' },
    [
      0.0, 0.0, 0.0, -0.2083333333333, -0.3333333333333, -0.1145833333333, 0.05166666666667, 0.2916666666667,
      0.6666666666667, 2.635416666667, 4.5, 20.0,
    ],
    [
      0.0, 0.0, 0.0, -0.3333333333333, 0.1666666666667, 0.4166666666667, 0.5333333333333, 0.6666666666667,
      0.8333333333333, 1.416666666667, 1.0, 1.0,
    ],
  ],
  [
    { kind: 'silu' },
    [
      -4.12230723638e-8, -0.01483573893981, -0.1025928076297, -0.1896454500531, -0.26894142137, -0.1094558747786,
      0.05249791874789, 0.3112296656009, 0.73105857863, 2.584761712021, 4.450558758162, 19.99999995878,
    ],
    [
      -3.916191866065e-8, -0.01232643259153, -0.07027335282772, -0.09940111134153, 0.07232948812851, 0.3762899784298,
      0.5499167914982, 0.7399611873027, 0.9276705118715, 1.095223022599, 1.037911091119, 1.000000039162,
    ],
  ],
  [
    { kind: 'gelu' },
    [
      0.0, -5.91952586948e-9, -0.0008142017766244, -0.01552416331444, -0.1586552539315, -0.1003234185793,
      0.0539827837277, 0.345731230637, 0.8413447460685, 2.741805651104, 4.499984710471, 20.0,
    ],
    [
      -1.104189672432e-86, -3.546870945403e-8, -0.002821760353625, -0.03761108590815, -0.08331547058769,
      0.3046266451164, 0.5795230920247, 0.8674951246562, 1.083315470588, 1.022027533644, 1.000068529162, 1.0,
    ],
  ],
  [
    { kind: 'gelu_tanh' },
    [
      0.0, -8.439648979675e-11, -0.0006161976553737, -0.01508426609, -0.1588080093917, -0.1003246492983,
      0.05398275104544, 0.3457140098251, 0.8411919906083, 2.742276855926, 4.499994863263, 20.0,
    ],
    [
      0.0, -7.709976012836e-10, -0.002422643760117, -0.03795157621267, -0.08296408384578, 0.3046459048489,
      0.5795217892718, 0.8673699035346, 1.082964083846, 1.021948921593, 1.00002932227, 1.0,
    ],
  ],
];

// What torch computes as 1 + tanh(z) or 1 + erf(z) has few digits left far below zero.
const near = (actual: number, expected: number, label: string) =>
  assert.ok(
    Math.abs(actual - expected) <= 1e-11 * Math.abs(expected) + 1e-15,
    `${label}: ${actual}, torch ${expected}`,
  );

for (const [spec, values, slopes] of TORCH) {
  test(`${spec.kind}: torch's values and slopes`, () => {
    for (const [i, x] of X.entries()) {
      near(activate(spec, x), values[i], `${spec.kind}(${x})`);
      near(slopeOf(spec, slopeFromOutput(spec) ? activate(spec, x) : x), slopes[i], `${spec.kind}'(${x})`);
    }
  });
}

test('every kind has an example, and its keepsZero is true exactly if act(0) is 0', () => {
  const examples = exampleActivations();
  assert.equal([...new Set(examples.map(({ kind }) => kind))].sort(), Object.keys(ACTIVATIONS).sort());
  for (const spec of examples) {
    const { keepsZero } = ACTIVATIONS[spec.kind];
    if (keepsZero !== 'within bounds') assert.is(activate(spec, 0) === 0, keepsZero, spec.kind);
  }
});

test('GELU: Φ(x) + Φ(−x) = 1, also where the series changes to the continued fraction', () => {
  for (let x = 0.01; x < 8; x += 0.01) {
    const gelu = (v: number) => activate({ kind: 'gelu' }, v);
    // x · Φ(x) + x · Φ(−x) = x
    assert.ok(Math.abs(gelu(x) - gelu(-x) - x) < 1e-14 * x, `at ${x}`);
  }
  // From one formula to the other, at 3, without a step.
  const around = [2.999999, 3, 3.000001].map((x) => activate({ kind: 'gelu' }, -x));
  assert.ok(Math.abs(around[0] - 2 * around[1] + around[2]) < 1e-12);
});

test.run();
