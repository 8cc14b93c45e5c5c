/** An ONNX model, from its bytes to boxes, and the same network from the weights file that it is converted to. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeSafetensors } from '../../src/formats/weights/safetensors.js';
import { formatWeightsMetadata } from '../../src/formats/weights/weights.js';
import { load } from '../../src/index.js';
import { readModel } from '../../src/localizer/weights/model.js';
import { onnxModel } from '../support/onnx.js';

const numbers = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * 1.7));
const bytes = onnxModel({
  nodes: [
    { op: 'Conv', inputs: ['input', 'w'], outputs: ['c'], attributes: { strides: [4, 4], auto_pad: 'SAME_UPPER' } },
    { op: 'Relu', inputs: ['c'], outputs: ['features'] },
    { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['pooled'] },
    { op: 'Flatten', inputs: ['pooled'], outputs: ['flat'] },
    { op: 'Gemm', inputs: ['flat', 'fc'], outputs: ['z'], attributes: { transB: 1 } },
    { op: 'Softmax', inputs: ['z'], outputs: ['output'], attributes: { axis: 1 } },
  ],
  tensors: { w: { dims: [6, 1, 5, 5], data: numbers(150) }, fc: { dims: [2, 6], data: numbers(12) } },
  inputs: { input: [null, 1, 64, 64] },
  metadata: { class_names: 'Mass,Nodule' },
});
const image = { data: Uint8Array.from({ length: 64 * 64 }, (_, i) => (i * i * 3) % 251), width: 64, height: 64 };

test('load takes an ONNX model, and what it is converted to gives the same', async () => {
  const localizer = await load(bytes);
  const result = await localizer.localize(image, { classes: ['Mass', 'Nodule'] });
  await localizer.close();
  const { Mass, Nodule } = result.probabilities;
  assert.ok(Math.abs(Mass + Nodule - 1) < 1e-5, `${Mass} and ${Nodule}`);
  assert.ok(result.findings.length > 0);
  assert.match(result.warnings.map(({ message }) => message).join('\n'), /those of a softmax/);

  const { checkpoint, metadata } = await readModel(bytes, {});
  const converted = await load(writeSafetensors(checkpoint.tensors, formatWeightsMetadata(metadata)));
  const again = await converted.localize(image, { classes: ['Mass', 'Nodule'] });
  await converted.close();
  assert.equal(again.probabilities, result.probabilities);
  assert.equal(again.findings, result.findings);
  assert.match(again.warnings.map(({ message }) => message).join('\n'), /those of a softmax/);
});

test.run();
