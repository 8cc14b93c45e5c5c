/** Rules that hold for every family, tested by names and shapes without a GPU. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Backbone,
  backboneNames,
  backboneParameters,
  checkBackbone,
  standardBackbone,
} from '../../src/nets/backbone.js';
import { inferArchitecture } from '../../src/nets/index.js';
import { recognitions } from '../../src/nets/recognise/recognition.js';

test('every family has a title and a recognition', () => {
  const withNames = new Set<string>(backboneNames.map((name) => standardBackbone(name).family));
  assert.equal(
    [...withNames].filter((name) => !(name in recognitions)),
    [],
  );
  for (const [name, { title, ways }] of Object.entries(recognitions)) {
    assert.match(title, /^an? [A-Z]/, name);
    assert.ok(ways.length > 0, name);
    for (const { mark } of ways)
      assert.not.ok(mark.global || mark.sticky, `${name}: a mark that remembers where it was`);
  }
});

test('every standard network passes its family’s checks, and is distinguished from all others by its names and shapes', () => {
  for (const name of backboneNames) {
    const description: Backbone = standardBackbone(name);
    checkBackbone(JSON.parse(JSON.stringify(description)));
    const { parameters, stem } = backboneParameters(name);
    assert.is(parameters.get(stem)!.shape[1], 3, `${name}: its first parameter reads the image`);
    assert.is(inferArchitecture(parameters).backbone, name);
    const elsewhere: Backbone = { ...description, prefix: 'net.trunk.' };
    assert.equal(inferArchitecture(backboneParameters(elsewhere).parameters).backbone, elsewhere, name);
  }
});

test('an unknown field is refused in every family', () => {
  for (const name of backboneNames)
    assert.throws(() => checkBackbone({ ...standardBackbone(name), colour: 'red' }), /has no 'colour'/, name);
});

test.run();
