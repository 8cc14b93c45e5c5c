/** Random small classifiers, of which onnxruntime's results are known: norms, p-norms, signals, resizing, blocks of weights, branches. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { difference, logitsOf, randomModel } from '../../bench/robustness/onnx/random_models.js';
import { RANDOM_MODELS } from '../support/random_onnx.js';

for (const [seed, expected] of RANDOM_MODELS)
  test(`random model ${seed}, for two images`, async () => {
    for (const logits of await logitsOf(randomModel(seed), 2)) assert.ok(difference(logits, expected) < 1e-4);
  });

test.run();
