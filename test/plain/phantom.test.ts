/**
 * Proves that phantoms are the same everywhere, show what their labels, boxes and reports say, and refuse wrong options. This file also runs in a
 * page, so it cannot import Node modules.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import {
  DISEASES,
  type Disease,
  drawPhantom,
  type Phantom,
  type PhantomOptions,
  REAL_PREVALENCE,
} from '../../src/phantom/index.js';
import { at, curveThrough, sin } from '../../src/phantom/math.js';
import { prevalences, resolveOptions } from '../../src/phantom/options.js';
import { drawLabels, drawPatient } from '../../src/phantom/patient.js';
import { mix64, stream } from '../../src/phantom/random.js';
import { xoshiro128 } from '../../src/random.js';
import { runsWhole } from '../support/part.js';

/** FNV-1a, 32 bits. */
function hash(bytes: Uint8Array): string {
  let h = 0x811c9dc5;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  return (h >>> 0).toString(16).padStart(8, '0');
}
const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test('random numbers are those of the published generators', () => {
  // Reference outputs of the authors' C code: xoshiro128** 1.1 from state 1, 2, 3, 4; SplitMix64 from seed 1234567.
  const random = xoshiro128([1, 2, 3, 4]);
  assert.equal([random(), random(), random(), random()], [11520, 0, 5927040, 70819200]);
  const gamma = 0x9e3779b97f4a7c15n;
  assert.is(mix64(1234567n + gamma), 6457827717110365317n);
  assert.is(mix64(1234567n + 2n * gamma), 3203168211198807973n);
});

test('streams of neighbouring images and parts do not resemble each other', () => {
  const draws = range(40).flatMap((thing) => range(40).map((part) => stream(7, thing, part).unit()));
  assert.is(new Set(draws).size, draws.length);
  assert.ok(Math.abs(mean(draws) - 0.5) < 0.025);
  for (const shift of [1, 40]) {
    const product = mean(draws.slice(shift).map((value, i) => (value - 0.5) * (draws[i] - 0.5)));
    assert.ok(Math.abs(product) < 0.007, `correlation of draws ${shift} apart`);
  }
});

test('raybox’s own sine agrees with Math.sin', () => {
  fc.assert(fc.property(fc.double({ min: -1e4, max: 1e4, noNaN: true }), (x) => Math.abs(sin(x) - Math.sin(x)) < 1e-8));
});

test('a curve goes through its points and stays between neighbouring points', () => {
  const points = fc
    .array(fc.tuple(fc.double({ min: 0.05, max: 1, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true })), {
      minLength: 2,
      maxLength: 12,
    })
    .map((steps) => {
      let x = 0;
      return steps.map(([dx, y]) => {
        x += dx;
        return [x, y] as const;
      });
    });
  fc.assert(
    fc.property(points, (given) => {
      const curve = curveThrough(given, 2000);
      for (const [x, y] of given) assert.ok(Math.abs(at(curve, x) - y) < 0.15);
      for (let k = 0; k < given.length - 1; k++) {
        const [[x0, y0], [x1, y1]] = [given[k], given[k + 1]];
        const between = at(curve, (x0 + x1) / 2);
        assert.ok(between > Math.min(y0, y1) - 1e-6 && between < Math.max(y0, y1) + 1e-6);
      }
    }),
  );
});

// A change here means that every seed draws other pixels: raise DRAWING in src/cli/phantom/phantom.ts with it.
const HASHES: [PhantomOptions, string][] = [
  [{ seed: 0, index: 0, size: 64 }, 'e03e5886 955ebe44'],
  [{ seed: 1, index: 7, size: 256 }, 'aad07ce5 79836697'],
  [{ seed: 1, index: 7, size: 256, preset: 'hard' }, 'bd0e053c c52a938a'],
  [{ seed: 4294967295, index: 4294967295, size: 128 }, 'd1e994fe fada273f'],
  [{ seed: 3, index: 1, size: 512, diseases: DISEASES }, '2f6d304f 2e52db4c'],
];
for (const [options, expected] of HASHES) {
  test(`the bytes of ${options.preset ?? 'demo'} seed ${options.seed}, image ${options.index} at ${options.size}² are as recorded`, () => {
    const { image, boxes, report } = drawPhantom(options);
    assert.is(image.data.length, options.size * options.size);
    const text = new TextEncoder().encode(JSON.stringify([boxes, report]));
    assert.is(`${hash(image.data)} ${hash(text)}`, expected);
  });
}

// These tests draw many phantoms. The recorded bytes above show that a page draws the same.
const wholly = runsWhole ? test : test.skip;

test('an image is the same if it is drawn alone, after others or in another order', () => {
  const draw = (index: number) => hash(drawPhantom({ seed: 9, index, size: 64, preset: 'hard' }).image.data);
  const forwards = range(30).map(draw);
  const backwards = range(30).reverse().map(draw).reverse();
  assert.equal(forwards, backwards);
  assert.is(new Set(forwards).size, 30);
});

wholly('the picture shows the same at every size', () => {
  for (const index of range(4)) {
    const options = { seed: 2, index, noise: 0, diseases: DISEASES };
    const small = drawPhantom({ ...options, size: 128 });
    const large = drawPhantom({ ...options, size: 512 });
    let difference = 0;
    for (let y = 0; y < 128; y++) {
      for (let x = 0; x < 128; x++) {
        let sum = 0;
        for (let k = 0; k < 16; k++) sum += large.image.data[(4 * y + (k >> 2)) * 512 + 4 * x + (k & 3)];
        difference += Math.abs(sum / 16 - small.image.data[y * 128 + x]);
      }
    }
    assert.ok(difference / 128 ** 2 < 2.5, `mean difference ${difference / 128 ** 2}`);
    assert.equal(
      small.findings.map(({ label, side, zone }) => [label, side, zone]),
      large.findings.map(({ label, side, zone }) => [label, side, zone]),
    );
    small.boxes.forEach((box, k) => {
      for (const key of ['x', 'y', 'width', 'height'] as const) {
        assert.ok(Math.abs(box[key] - large.boxes[k][key] / 4) <= 3, `${box.label} ${key}`);
      }
    });
  }
});

wholly('a collapsed left lower lobe, most of which the heart covers, shows through it', () => {
  const options = { seed: 77, size: 256, noise: 0, diseases: ['Atelectasis'] } as const;
  const collapsed = range(60)
    .map((index) => drawPhantom({ ...options, index, severity: [1, 1] }))
    .filter(({ findings: [{ side, zone, form }] }) => side === 'left' && zone === 'lower' && form === 'lobar');
  assert.ok(collapsed.length > 4);
  for (const { image, boxes, patient } of collapsed) {
    const { x, y, height } = boxes[0];
    const row = (y + Math.round(0.7 * height)) * 256;
    const mean = (from: number, to: number) =>
      image.data.subarray(row + from, row + to).reduce((sum, value) => sum + value, 0) / (to - from);
    // On the other side the heart is in front of the spine and of air, and not in front of a collapsed lobe.
    assert.ok(mean(x + 8, x + 24) > mean(x - 22, x - 6) + 5, `patient ${patient.id}`);
  }
});

wholly('each disease has a box, which is inside the picture and not empty', () => {
  for (const preset of ['demo', 'hard'] as const) {
    for (const index of range(60)) {
      const size = 64 + 8 * (index % 9);
      const { boxes, truth } = drawPhantom({ seed: 31, index, size, preset, prevalence: 'balanced' });
      assert.equal([...new Set(boxes.map(({ label }) => label))].sort(), truth);
      for (const { label, x, y, width, height } of boxes) {
        const whole = [x, y, width, height].every(Number.isInteger);
        assert.ok(whole && x >= 0 && y >= 0 && width >= 1 && height >= 1, label);
        assert.ok(x + width <= size && y + height <= size, label);
      }
    }
  }
});

wholly('even the faintest disease has a box in the smallest picture', () => {
  for (const index of range(12)) {
    const options = { seed: 40, index, size: 64, preset: 'hard', severity: [0, 0] } as const;
    assert.equal(drawPhantom({ ...options, diseases: DISEASES }).truth, [...DISEASES]);
    for (const label of DISEASES) assert.equal(drawPhantom({ ...options, diseases: [label] }).truth, [label]);
  }
});

/**
 * Mean change of grey inside and outside of the boxes, when one disease is drawn on a healthy chest. Outside: the raised
 * diaphragm of atelectasis, the light veil over a lung that has collapsed, the border that the enlarged heart shares.
 */
function change(disease: Disease, index: number, preset: 'demo' | 'hard', severity: readonly [number, number]) {
  const options = { seed: 12, index, size: 128, preset, severity, noise: 0, confounder: 0 };
  const ill = drawPhantom({ ...options, diseases: [disease] });
  const healthy = drawPhantom({ ...options, diseases: [] });
  const sums = { inside: 0, outside: 0, insideCount: 0, outsideCount: 0 };
  for (let i = 0; i < ill.image.data.length; i++) {
    const x = i % 128;
    const y = Math.floor(i / 128);
    const boxed = ill.boxes.some((b) => x >= b.x && x < b.x + b.width && y >= b.y && y < b.y + b.height);
    const difference = Math.abs(ill.image.data[i] - healthy.image.data[i]);
    sums[boxed ? 'inside' : 'outside'] += difference;
    sums[boxed ? 'insideCount' : 'outsideCount']++;
  }
  return { inside: sums.inside / sums.insideCount, outside: sums.outside / sums.outsideCount };
}

/** Grey levels of 255: least mean change inside the boxes of a demo phantom, greatest outside. See the README's table. */
const CHANGE: Record<Disease, readonly [number, number]> = {
  Atelectasis: [6, 3],
  Cardiomegaly: [18, 1.2],
  Effusion: [20, 0.3],
  Infiltration: [8, 0.3],
  Mass: [18, 0.05],
  Nodule: [15, 0.05],
  Pneumonia: [25, 0.2],
  Pneumothorax: [4, 0.3],
};
for (const disease of DISEASES) {
  wholly(`${disease} changes what is in its box, and next to nothing elsewhere`, () => {
    const [least, most] = CHANGE[disease];
    for (const index of range(8)) {
      const { inside, outside } = change(disease, index, 'demo', [0.6, 1]);
      assert.ok(inside >= least, `image ${index}: ${inside} inside`);
      assert.ok(outside <= most, `image ${index}: ${outside} outside`);
    }
  });
}

wholly('a higher severity is easier to see', () => {
  for (const disease of DISEASES) {
    const seen = ([0, 0.5, 1] as const).map((s) =>
      mean(range(3).map((i) => change(disease, i, 'hard', [s, s]).inside)),
    );
    // Boxes grow with severity, so their mean change need not; a subtle disease must still be the faintest.
    assert.ok(seen[0] < seen[2], `${disease}: ${seen}`);
    assert.ok(seen[0] > 0.5, `${disease} is not there at all: ${seen}`);
  }
});

wholly('demo nodules span at least 5.5 % of the width, and stay under 3 cm', () => {
  const boxes = range(30).flatMap((index) => drawPhantom({ seed: 8, index, size: 256, diseases: ['Nodule'] }).boxes);
  for (const { width } of boxes) assert.ok(width >= 14 && width <= 26, `${width} pixels`);
});

/** Labels of many images without drawing them. */
function labelsOf(count: number, options: Omit<PhantomOptions, 'index' | 'size' | 'seed'>) {
  return range(count).map((index) => {
    const all = resolveOptions({ seed: 77, size: 64, index, ...options });
    const { planned, labels } = drawLabels(all, drawPatient(77, index));
    return { truth: planned.map(({ label }) => label), labels };
  });
}
const share = (images: { labels: Disease[] }[], label: Disease) =>
  mean(images.map(({ labels }) => +labels.includes(label)));
/** Four standard errors; follow-ups of a patient share diseases, so that they count about half. */
const tolerance = (p: number, count: number) => 4 * Math.sqrt((2 * p * (1 - p)) / count);

wholly('prevalences are as requested', () => {
  const count = 12000;
  for (const [preset, expected] of [
    ['hard', REAL_PREVALENCE],
    ['demo', prevalences('balanced')],
  ] as const) {
    const images = labelsOf(count, { preset });
    for (const label of DISEASES) {
      const p = expected[label];
      assert.ok(Math.abs(share(images, label) - p) < tolerance(p, count), `${preset} ${label} ${share(images, label)}`);
    }
  }
  const only = labelsOf(500, { prevalence: { Mass: 1, Nodule: 0 } });
  assert.ok(only.every(({ labels }) => labels.join() === 'Mass'));
});

wholly('label noise changes labels but not prevalences', () => {
  const count = 12000;
  const images = labelsOf(count, { preset: 'demo', labelNoise: 0.2 });
  for (const label of DISEASES) {
    const positives = images.filter(({ truth }) => truth.includes(label));
    const dropped = mean(positives.map(({ labels }) => +!labels.includes(label)));
    assert.ok(Math.abs(dropped - 0.2) < tolerance(0.2, positives.length), `${label}: ${dropped} dropped`);
    assert.ok(Math.abs(share(images, label) - 0.125) < tolerance(0.125, count), label);
  }
  assert.ok(labelsOf(300, { preset: 'demo' }).every(({ truth, labels }) => truth.join() === labels.join()));
});

wholly('co-occurrence makes diseases occur together without making them more frequent', () => {
  const count = 12000;
  const together = (coOccurrence: number) => {
    const images = labelsOf(count, { preset: 'demo', coOccurrence });
    return mean(images.map(({ truth }) => +(truth.includes('Effusion') && truth.includes('Atelectasis'))));
  };
  assert.ok(Math.abs(together(0) - 0.125 ** 2) < tolerance(0.125 ** 2, count));
  assert.ok(together(0.6) > 2.5 * 0.125 ** 2);
});

wholly('a treated pneumothorax comes with a chest tube on its side', () => {
  const draw = (confounder: number, index: number, diseases: Disease[]) =>
    drawPhantom({ seed: 5, index, size: 64, distractors: 0, confounder, diseases });
  for (const index of range(20)) {
    const treated = draw(1, index, ['Pneumothorax']);
    assert.equal(treated.devices, ['chest tube']);
    assert.ok(treated.report.includes(`${treated.findings[0].side}`));
    assert.equal(draw(0, index, ['Pneumothorax']).devices, []);
    assert.equal(draw(1, index, ['Mass']).devices, []);
  }
});

const TERMS: Record<Disease, RegExp> = {
  Atelectasis: /atelectasis/i,
  Cardiomegaly: /cardiomegaly|heart is enlarged/i,
  Effusion: /effusion/i,
  Infiltration: /infiltrat/i,
  Mass: /\bmass\b/i,
  Nodule: /nodule/i,
  Pneumonia: /pneumonia/i,
  Pneumothorax: /pneumothorax/i,
};

/** The status of each disease according to a text, read sentence by sentence. */
function read(report: string) {
  const said: Record<'asserted' | 'denied' | 'guessed', Set<Disease>> = {
    asserted: new Set(),
    denied: new Set(),
    guessed: new Set(),
  };
  const body = report.slice(report.indexOf('Findings:'));
  for (const sentence of body.split(/(?<=[.;])\s+(?!\d* ?cm)/)) {
    if (/heart is normal|heart size is within normal/i.test(sentence)) said.denied.add('Cardiomegaly');
    for (const label of DISEASES) {
      const found = TERMS[label].exec(sentence);
      if (!found) continue;
      const before = sentence.slice(0, found.index);
      const denied = /\b(no|neither|nor|without|negative|free)\b/i.test(before) || /has resolved/.test(sentence);
      const guessed = /cannot be excluded|may represent|possible|questionable/i.test(sentence);
      said[denied ? 'denied' : guessed ? 'guessed' : 'asserted'].add(label);
    }
  }
  return { ...said, normal: /lungs are clear|normal chest|no acute|unremarkable chest/i.test(body) };
}

wholly('a report asserts every disease of its picture and denies none', () => {
  const kinds = { denied: 0, guessed: 0, normal: 0 };
  const check = ({ truth, report }: Phantom) => {
    const said = read(report);
    assert.equal([...said.asserted].sort(), truth, report);
    for (const label of truth) assert.not.ok(said.denied.has(label) || said.guessed.has(label), report);
    assert.is(said.normal, truth.length === 0, report);
    for (const section of ['Indication: ', 'Findings: ', 'Impression:']) assert.ok(report.includes(section));
    assert.not.match(report, /[{}]|undefined|NaN| {2}/);
    kinds.denied += said.denied.size;
    kinds.guessed += said.guessed.size;
    kinds.normal += +said.normal;
  };
  for (const index of range(160)) check(drawPhantom({ seed: 6, index, size: 64, coOccurrence: 0.5, distractors: 3 }));
  assert.ok(kinds.denied > 200 && kinds.guessed > 10 && kinds.normal > 20, JSON.stringify(kinds));
});

wholly('images of a patient are consecutive and have the same sex and a similar age', () => {
  const patients = range(600).map((index) => drawPatient(4, index));
  const ids = new Set(patients.map(({ id }) => id));
  assert.ok(ids.size > 120 && ids.size < 300, `${ids.size} patients`);
  patients.forEach((patient, index) => {
    assert.is(patient.id - 1 + patient.followUp, index);
    const first = patients[patient.id - 1];
    assert.is(patient.sex, first.sex);
    assert.ok(patient.age >= first.age && patient.age <= first.age + 4);
  });
});

test('every size from 64 to 2048 is drawn', () => {
  for (const size of [64, 65, 127, 333, 2048]) {
    const { image } = drawPhantom({ seed: 1, index: 3, size, diseases: size > 999 ? ['Nodule'] : DISEASES });
    assert.is(image.data.length, size * size);
    const levels = new Set(image.data);
    assert.ok(levels.size > 100, `${levels.size} grey levels`);
  }
});

wholly('lungs are darker than the heart and the belly, and the background is black', () => {
  for (const index of range(8)) {
    const { image } = drawPhantom({ seed: 13, index, size: 128, diseases: [], distractors: 0 });
    const grey = (x: number, y: number) =>
      mean(
        range(25).map(
          (k) => image.data[(Math.round(y * 128) + Math.floor(k / 5)) * 128 + Math.round(x * 128) + (k % 5)],
        ),
      );
    for (const x of [0.24, 0.74])
      assert.ok(grey(x, 0.5) + 60 < Math.min(grey(0.5, 0.6), grey(0.3, 0.92)), `image ${index}`);
    assert.ok(Math.min(...image.data) < 30);
  }
});

const BAD: [string, object][] = [
  ['seed', { seed: -1 }],
  ['seed', { seed: 1.5 }],
  ['seed', { seed: 2 ** 32 }],
  ['index', { index: Number.NaN }],
  ['size', { size: 63 }],
  ['size', { size: 2049 }],
  ['size', { size: '256' }],
  ['preset', { preset: 'easy' }],
  ['preset', { preset: 'toString' }],
  ['severity', { severity: [0.5] }],
  ['severity', { severity: [0.8, 0.2] }],
  ['severity', { severity: 0.5 }],
  ['prevalence', { prevalence: 'none' }],
  ['prevalence', { prevalence: null }],
  ['prevalence', { prevalence: { Hernia: 0.1 } }],
  ['prevalence', { prevalence: { Mass: 1.1 } }],
  ['diseases', { diseases: ['mass'] }],
  ['diseases', { diseases: 'Mass' }],
  ['labelNoise', { labelNoise: 2 }],
  ['coOccurrence', { coOccurrence: -0.1 }],
  ['confounder', { confounder: Number.POSITIVE_INFINITY }],
  ['distractors', { distractors: -1 }],
  ['noise', { noise: 1000 }],
  ['variation', { variation: '1' }],
];
for (const [name, options] of BAD) {
  test(`${JSON.stringify(options)} is refused by name`, () => {
    try {
      drawPhantom({ seed: 1, index: 0, size: 64, ...options } as PhantomOptions);
    } catch (error) {
      assert.instance(error, InputError);
      assert.ok((error as Error).message.includes(name), (error as Error).message);
      return;
    }
    assert.unreachable('nothing was thrown');
  });
}

test.run();
