/** What an ONNX model computes of its constants: types, rounding, wrapping around, and what is refused. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createGraph } from '../../src/graph/ir/graph.js';
import { isValue, type Operand } from '../../src/import/onnx/call.js';
import { readModel } from '../../src/import/onnx/read.js';
import { translate } from '../../src/import/onnx/translate.js';
import { type FoldingCase, foldingCases, foldingRefusals } from '../support/folding_cases.js';
import { onnxModel } from '../support/onnx.js';

function folded({
  op,
  inputs,
  attributes = {},
  opset = 17,
}: Pick<FoldingCase, 'op' | 'inputs' | 'attributes' | 'opset'>) {
  const names = inputs.map((_, i) => `input ${i}`);
  const node = { op, inputs: names, outputs: ['output'], attributes };
  const tensors = Object.fromEntries(inputs.map((tensor, i) => [names[i], tensor]));
  const model = readModel(onnxModel({ nodes: [node], tensors, inputs: {}, opset }), new Map());
  const kept = { weights: new Map(), computed: new Map(), told: new Set<string>(), budget: { left: 1e5 } };
  const result: Operand = translate({ model, ...kept }, createGraph(), new Map(), ['output']).get('output')!;
  assert.not(isValue(result));
  return result as Exclude<Operand, { tensor: unknown }>;
}

for (const one of foldingCases) {
  const { op, inputs, attributes = {}, type, dims, expected } = one;
  const given = inputs.map((input) => `${input.type ?? 'f32'} ${Array.from(input.data).slice(0, 5)}`).join('; ');
  test(`${op} ${JSON.stringify(attributes)} of ${given}`, () => {
    const result = folded(one);
    assert.is(result.type, type);
    assert.equal([...result.shape], dims);
    const isRounded = type === 'F32';
    const numbers = Array.from(result.values(), (number) => number + 0);
    if (!isRounded) assert.equal(numbers, expected);
    assert.is(numbers.length, expected.length);
    numbers.forEach((number, i) => {
      const bound = 1e-6 * Math.abs(expected[i]);
      assert.ok(
        Object.is(number, expected[i] + 0) || Math.abs(number - expected[i]) <= bound,
        `${number}, not ${expected[i]}`,
      );
    });
  });
}

for (const [op, inputs, why, attributes = {}] of foldingRefusals)
  test(`${op} is refused: ${why.source}`, () => {
    const opset = op === 'ReduceL1' ? 18 : 17;
    assert.throws(() => folded({ op, inputs, attributes, opset }), why);
    assert.throws(
      () => folded({ op, inputs, attributes, opset }),
      new RegExp(`onnx: ${op} 'output' \\(opset ${opset}\\)`),
    );
  });

test.run();
