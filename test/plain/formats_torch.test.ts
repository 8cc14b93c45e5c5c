/** Proves that PyTorch checkpoints are read as PyTorch reads them, that no code in a pickle runs, and that broken ones are refused. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/errors.js';
import { crc32 } from '../../src/formats/crc32.js';
import { unpickle } from '../../src/formats/torch/pickle.js';
import { readTorch } from '../../src/formats/torch/torch.js';
import type { TensorData } from '../../src/formats/weights/checkpoint.js';
import { readSafetensors } from '../../src/formats/weights/safetensors.js';
import { zip } from '../support/zip.js';

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../test/fixtures/${name}`, import.meta.url)));
const data = `${process.env.RAYBOX_DATA ?? new URL('../../../../shared/data', import.meta.url).pathname}/torch-reference`;

/** Bytes of a string of characters up to U+00FF: how pickles are written out below. */
const raw = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const concat = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const int64 = (value: number) => new Uint8Array(BigInt64Array.of(BigInt(value)).buffer);
const short = (text: string) => `U${String.fromCharCode(text.length)}${text}`;

/** An old-style checkpoint around a pickle (and the storages behind it). */
const stream = (pickle: string, storages: Uint8Array = raw(']')) =>
  concat(raw('\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.'), raw(pickle), storages, raw('.'));

/** A pickled tensor of float32 over storage '0': shape, strides and offset as pickle integers of one byte. */
function tensor(shape: number[], strides: number[], { offset = 0, count = 6, type = 'FloatStorage' } = {}): string {
  const k = (value: number) => `K${String.fromCharCode(value)}`;
  const id = `(${short('storage')}ctorch\n${type}\n${short('0')}${short('cpu')}${k(count)}tQ`;
  return `ctorch._utils\n_rebuild_tensor_v2\n(${id}${k(offset)}(${shape.map(k).join('')}t(${strides.map(k).join('')}t\x89}tR`;
}
const dict = (...pairs: [string, string][]) =>
  `\x80\x02}(${pairs.map(([name, value]) => short(name) + value).join('')}u`;
const six = new Uint8Array(Float32Array.of(0, 1, 2, 3, 4, 5).buffer);
const streamOf = (pickle: string, count = 6) =>
  concat(stream(`${pickle}.`, raw(`](${short('0')}e`)), int64(count), six);
const zipOf = (pickle: string, more: Record<string, Uint8Array> = {}) =>
  zip({ 'archive/data.pkl': raw(`${pickle}.`), 'archive/data/0': six, ...more });

function refuses(bytes: Uint8Array, message: RegExp): void {
  assert.throws(
    () => readTorch(bytes),
    (error: unknown) => {
      if (!(error instanceof InputError)) throw error;
      if (!message.test(error.message)) throw new Error(`'${error.message}' is not like ${message}`);
      return true;
    },
  );
}

const valuesOf = (tensors: Map<string, TensorData>) =>
  Object.fromEntries([...tensors].map(([name, { shape, data }]) => [name, { shape, data: [...data] }]));

for (const name of ['every_type.pth', 'every_type.pth.tar', 'every_type_protocol4.pth'])
  test(`${name}: element types, strides, views, values beside the state dict`, () => {
    const { tensors, metadata } = readTorch(fixture(`torch-checkpoints/${name}`));
    const count = (length: number, from = 0, step = 1) => Array.from({ length }, (_, i) => from + i * step);
    const twelve = { shape: [3, 4], data: count(12) };
    assert.equal(valuesOf(tensors), {
      plain: { shape: [2, 3, 4], data: count(24) },
      transposed: { shape: [4, 2, 3], data: [0, 1, 2, 3].flatMap((from) => count(6, from, 4)) },
      slice: { shape: [2, 2], data: [16, 18, 20, 22] },
      expanded: { shape: [2, 3], data: [7, 7, 7, 7, 7, 7] },
      empty: { shape: [0, 3], data: [] },
      scalar: { shape: [], data: [5] },
      half: twelve,
      bfloat16: twelve,
      double: { shape: [3, 4], data: count(12).map((i) => Math.fround(i / 3)) },
      int32: { shape: [3, 4], data: count(12, -5) },
      uint8: twelve,
      bool: { shape: [3, 4], data: count(12).map((i) => (i > 4 ? 1 : 0)) },
      parameter: twelve,
    });
    const numbers = { epoch: '12', best_auc: '0.25', lr: '0.0001', milestones: '{"30":1,"60":1}' };
    assert.equal(metadata, { ...numbers, arch: 'densenet121', amp: 'true', groups: '{"a":[1]}' });
  });

test('tensors have the names of the file; values besides the state dict become metadata', () => {
  const { tensors, metadata } = readTorch(fixture('torch-checkpoints/old_names.pth.tar'));
  assert.equal(
    [...tensors].map(([, { data }]) => data[0]),
    [0, 1, 2, 3, 4],
  );
  assert.match([...tensors.keys()][1], /denseblock1\.denselayer1\.norm\.1\.weight$/);
  assert.equal(metadata, { epoch: '1', best_loss: '0.5' });
});

test('settings beside the state dict: arguments, configurations, normalisation as lists, tensors and arrays', () => {
  const { tensors, metadata } = readTorch(fixture('torch-checkpoints/settings.pth'));
  assert.equal([...tensors.keys()], ['fc.weight']);
  const { args, hyper_parameters, img_mean, img_std, ...rest } = metadata;
  assert.equal(rest, {}, 'a large array, one of another order of bytes, and the state of an optimizer are none');
  assert.equal(JSON.parse(args), { img_size: 320, data: '//data/xrays', lr: 0.1 });
  const normalize = { mean: [0.5], std: [0.25] };
  assert.equal(JSON.parse(hyper_parameters), { classes: ['Mass', 'Nodule'], normalize });
  assert.equal(JSON.parse(img_mean), [0.485, 0.456, 0.406].map(Math.fround));
  assert.equal(JSON.parse(img_std), [0.229, 0.224, 0.225]);
});

test('settings that repeat or nest without end are limited', () => {
  const k = 'K\x01';
  // A list of 250 numbers, named 250 times by a list that is named 250 times, and a dict that holds itself.
  const wide = `(${k.repeat(250)}lq\x010(${'h\x01'.repeat(250)}lq\x020(${'h\x02'.repeat(250)}l`;
  const own = `}q\x03(${short('own')}h\x03${short('lr')}${k}u`;
  const { tensors, metadata } = readTorch(zipOf(dict(['w', tensor([6], [1])], ['wide', wide], ['own', own])));
  assert.equal([...tensors.keys()], ['w']);
  assert.equal(metadata, { own: '{"lr":1}' });
});

test('a TorchScript program is refused, and the error says how to save its weights', () => {
  refuses(
    fixture('torch-checkpoints/scripted.pt'),
    /a TorchScript program .*given .*\.py.*nothing of it was run; .*torch\.save\(torch\.jit\.load\(FILE\)\.state_dict\(\)/,
  );
});

test('Python 2 strings, version-1 tensors, cuda storages, storage views', () => {
  const old = tensor([2, 3], [3, 1]).replace('_v2', '').replace('ctorch\n', 'ctorch.cuda\n').replace('\x89}tR', 'tR');
  assert.equal(valuesOf(readTorch(streamOf(dict(['w', old]))).tensors), {
    w: { shape: [2, 3], data: [0, 1, 2, 3, 4, 5] },
  });
  const view = tensor([2], [1]).replace('K\x06tQ', `K\x06(${short('view')}K\x03K\x02ttQ`);
  assert.equal(valuesOf(readTorch(streamOf(dict(['w', view]))).tensors), { w: { shape: [2], data: [3, 4] } });
});

test('a pickle that would run something is refused by name', () => {
  for (const [pickle, name] of [
    ['cos\nsystem\n(S"echo hacked"\ntR', 'os.system'],
    ['cposix\nsystem\n(X\x04\0\0\0exittR', 'posix.system'],
    ['\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R', 'builtins.eval'],
    ['(ios\nsystem\n', 'os.system'],
    ['(cos\nsystem\nS"x"\no', 'os.system'],
    ['c__builtin__\nexecfile\n', '__builtin__.execfile'],
    ['csubprocess\nPopen\n', 'subprocess.Popen'],
    ['crunpy\nrun_module\n', 'runpy.run_module'],
    ['ctorch.hub\nload\n', 'torch.hub.load'],
    ['cbuiltins\n__import__\n', 'builtins.__import__'],
  ] as const) {
    refuses(stream(`${pickle}.`), new RegExp(`refuses ${name.replace('.', '\\.')};`));
    refuses(zipOf(pickle), new RegExp(`refuses ${name.replace('.', '\\.')};`));
  }
});

test('a network that was saved whole is read as its tensors and modules', () => {
  const layer = readTorch(fixture('torch-checkpoints/whole_model.pth'));
  assert.equal(
    [...layer.tensors].map(([name, { shape }]) => [name, ...shape]),
    [
      ['weight', 2, 1, 3, 3],
      ['bias', 2],
    ],
  );
  const [[name, { type, settings, code, children }]] = layer.modules!;
  assert.equal([name, type, code, children], ['', 'torch.nn.modules.conv.Conv2d', [], []]);
  assert.equal([settings.stride, settings.padding, settings.groups], [[1, 1], [0, 0], 1]);

  const whole = readTorch(fixture('torch-modules/wrapped.pth.tar'));
  assert.is(whole.modules!.get('module')!.type, '__main__.DenseNet121');
  assert.ok(whole.tensors.has('module.densenet121.features.denseblock1.denselayer1.norm1.running_var'));
  assert.equal(whole.metadata.epoch, '3');
  const stream = readTorch(fixture('torch-modules/resnet_stream.pth'));
  assert.equal(stream, readTorch(fixture('torch-modules/resnet.pth')));
  assert.is(stream.modules!.get('bn1')!.settings.eps, 0.01);
});

test('objects of any class besides the weights are skipped', () => {
  const { tensors, metadata } = readTorch(fixture('torch-checkpoints/beside.pth'));
  assert.equal([...tensors.keys()], ['fc.weight']);
  assert.is(metadata.epoch, '7');
  assert.is(metadata.classes, '["Mass","Nodule"]');
});

test('a module that is a part of itself, or of very many others, is refused', () => {
  // Each module is an object of the class m.M with three dicts; part `x` of one is another.
  const module = (parts: string) =>
    `cm\nM\n)\x81}(X\x08\0\0\0_modules}${parts}X\x0b\0\0\0_parameters}X\x08\0\0\0_buffers}ub`;
  const itself = `cm\nM\n)\x81q\x01}(X\x08\0\0\0_modules}X\x01\0\0\0xh\x01sX\x0b\0\0\0_parameters}X\x08\0\0\0_buffers}ub.`;
  refuses(stream(itself), /too many modules, or one that is a part of itself/);
  let twice = `${module('')}q\x01`;
  for (let level = 2; level < 40; level++) {
    const part = (name: string) => `X\x01\0\0\0${name}h${String.fromCharCode(level - 1)}`;
    twice += `0${module(`(${part('x')}${part('y')}u`)}q${String.fromCharCode(level)}`;
  }
  refuses(stream(`${twice}.`), /too many modules/);
});

test('broken pickles are refused', () => {
  for (const [pickle, message] of [
    ['0.', /no mark is set/],
    ['a.', /the stack is empty/],
    ['.', /the stack is empty/],
    ['](.', /the stack is empty/],
    ['t.', /no mark is set/],
    ['(KK', /no mark|cut|empty|unknown/],
    ['h\x05.', /the memo lacks an entry; given 5/],
    ['\x80\x09.', /unknown protocol; given 9/],
    ['\xff.', /unknown opcode; given 0xff/],
    ['X\xff\xff\xff\xff.', /the file is cut/],
    ['\x8d\xff\xff\xff\xff\xff\xff\xff\xff.', /the file is cut/],
    ['\x8b\x50\0\0\0'.padEnd(100, 'x'), /an integer is too long/],
    ['Iabc\n.', /not an integer/],
    [`I${'9'.repeat(3000)}\n.`, /not an integer/],
    ['I5', /a line does not end/],
    ["S'a\\x41'\n.", /plain quotes/],
    ['K\x01K\x02K\x03s.', /other than a dict/],
    ['K\x01(K\x02e.', /other than a list/],
    ['K\x01)R.', /cannot be called/],
    ['K\x01Q.', /refers outside/],
    ['K\x01', /the file is cut/],
  ] as const)
    assert.throws(
      () => unpickle(raw(pickle), { globals: new Map() }),
      (error: unknown) => error instanceof InputError && message.test(error.message),
      pickle,
    );
});

test('numbers and strings of every protocol', () => {
  const read = (pickle: string) => unpickle(raw(`${pickle}.`), { globals: new Map() }).value;
  assert.equal(read('(I-5\nI01\nL123L\nJ\xff\xff\xff\xffK\x07M\x01\x02\x8a\x00\x8a\x02\x00\x80t'), [
    -5,
    true,
    123,
    -1,
    7,
    513,
    0,
    -32768,
  ]);
  assert.equal(read('(F-1.5\nFinf\nF-inf\nG?\xf0\0\0\0\0\0\0l'), [-1.5, Infinity, -Infinity, 1]);
  assert.is(read(`L${2n ** 80n}L\n`), 2n ** 80n);
  assert.equal(read("(S'a'\nVb\\u00e9\nU\x01\xe9X\x02\0\0\0\xc3\xa9\x8c\x01z\x8d\x01\0\0\0\0\0\0\0yt"), [
    'a',
    'bé',
    'é',
    'é',
    'z',
    'y',
  ]);
  assert.equal(read('(K\x01K\x02d'), new Map([[1, 2]]));
  assert.equal(read('\x8f(K\x01\x90'), new Set([1]));
  const own = read(']q\x00h\x00a') as unknown[];
  assert.is(own[0], own, 'a list that holds itself');
});

test('tensors that reach beyond their storage, overflow or multiply without end are refused', () => {
  const good = dict(['w', tensor([2, 3], [1, 2])]);
  assert.equal(valuesOf(readTorch(zipOf(good)).tensors), { w: { shape: [2, 3], data: [0, 2, 4, 1, 3, 5] } });
  for (const make of [zipOf, streamOf]) {
    refuses(make(dict(['w', tensor([7], [1])])), /'w' reaches beyond its storage/);
    refuses(make(dict(['w', tensor([2], [1], { offset: 5 })])), /'w' reaches beyond its storage/);
    refuses(make(dict(['w', tensor([7], [1], { count: 7 })])), /'w' reaches beyond its storage/);
    refuses(make(dict(['w', tensor([2, 3], [3])])), /not described as torch does it/);
    refuses(make(dict(['w', tensor([255, 255, 255, 255], [0, 0, 0, 0])])), /far larger than the file/);
    refuses(make(dict(['w', tensor(new Array(10).fill(255), new Array(10).fill(0))])), /overflows/);
    refuses(make(dict(['w', tensor([1], [1], { type: 'QInt8Storage' })])), /refuses torch\.QInt8Storage/);
    refuses(make(dict(['w', tensor([1], [1])], ['v', tensor([1], [1], { type: 'HalfStorage' })])), /two types/);
  }
  refuses(zipOf('\x80\x02K\x05'), /no state dict.*given 5/);
  refuses(zipOf(dict(['epoch', 'K\x01'])), /no state dict.*given a dict of 'epoch'/);
  refuses(streamOf(dict(['epoch', 'K\x01'])), /storage '0' belongs to no tensor/);
  refuses(
    zip({ 'assets/a': six, 'config.json': six, 'model.weights.h5': six }),
    /parts of a model that Keras saved, in another order.*\.save\('model\.keras'\)/,
  );
  const wide = zip({ 'a/data.pkl': raw(`${good}.`), 'a/data/0': six }, { wide: true });
  assert.equal(readTorch(wide), readTorch(zipOf(good)), 'zip64');
  refuses(zip({ 'a/data.pkl': raw(`${good}.`) }), /lacks storage '0'/);
  refuses(zipOf(good, { 'archive/byteorder': raw('big') }), /big-endian/);
  refuses(zipOf(good, { 'archive/constants.pkl': raw('.') }), /TorchScript/);
  refuses(zipOf(good, { 'archive/models/model.json': raw('{}') }), /exported program.*torch\.export\.load/);
  const large = new Uint8Array(10_000);
  const storages = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`a/data/${i}`, large]));
  refuses(zip({ 'a/data.pkl': raw(`${good}.`), ...storages }), /overlaps another entry/);
  refuses(zip({ 'hello.txt': raw('hi') }), /no data\.pkl; given hello\.txt/);
  refuses(zip({ 'a/data.pkl': raw('.') }, { method: 8 }), /'a\/data\.pkl' is compressed/);
  refuses(streamOf(good, 7), /storage '0' is cut/);
  refuses(streamOf(good, -1), /storage '0' is cut/);
  refuses(zipOf(good).subarray(0, -1), /no end record, so it is cut/);
});

test('a damaged storage is noticed', () => {
  assert.is(crc32(raw('123456789')), 0xcbf43926);
  assert.is(crc32(new Uint8Array()), 0);
  const bytes = fixture('torch-reference/densenet/model.pth');
  bytes[100_000] ^= 1;
  refuses(bytes, /is damaged \(CRC-32\)/);
});

test('pickles that grow without end stop early', () => {
  // Each level holds the one below twice: 2^60 when written out.
  const laughs = `\x80\x02]q\x00${Array.from({ length: 60 }, (_, i) => `](h${String.fromCharCode(i)}h${String.fromCharCode(i)}eq${String.fromCharCode(i + 1)}`).join('')}`;
  for (const pickle of [laughs, `${laughs}Q`, `ctorch\ndevice\n(${laughs}tR`, `}${laughs}K\x01s`, `${laughs}\x85R`])
    refuses(stream(`${pickle}.`), /InputError|torch:|pickle:/);
  // A list of 100,000 that is copied 100,000 times.
  const copies = `(${'K\x01K\x01\x86'.repeat(50_000)}lq\x00(${'ccollections\nOrderedDict\n(h\x00tR'.repeat(20_000)}t`;
  refuses(stream(`${copies}.`), /endless copies/);
  refuses(stream(`${'N0'.repeat(2_100_000)}.`), /too long/);
});

test('the memory for the objects of a pickle is limited by the size of the pickle', () => {
  const tooMany = /far more objects than a checkpoint holds/;
  for (const one of ['}', ']', '(d', '\x8f', '}q\x00', '(K\x01\x91', ')\x94'])
    refuses(stream(`(${one.repeat(1.5e6 / Math.sqrt(one.length))}l.`), tooMany);
  refuses(stream(`${']'.repeat(1e6)}${'a'.repeat(1e6 - 1)}.`), tooMany); // a list in a list in a list
  // Weights behind the pickle allow it more, up to the absolute bound.
  refuses(stream(`(${'}'.repeat(3.9e6)}l.`), /more than 15\d{7} bytes of them; at byte 7\d{5}$/);
  refuses(concat(stream(`(${'}'.repeat(3.9e6)}l.`), new Uint8Array(8 << 20)), /more than 268435456 bytes/);
});

test('a checkpoint with many tensors, an optimizer and nested dicts is read', () => {
  const count = 3000;
  const index = (value: number) => `M${String.fromCharCode(value & 255, value >> 8)}`;
  const weights = Array.from({ length: count }, (_, i): [string, string] => [
    `layer${i}.weight`,
    tensor([2], [1], { offset: i % 4 }),
  ]);
  const state = Array.from({ length: count }, (_, i) => {
    const moments = dict(['step', index(i)], ['exp_avg', tensor([2], [1])], ['exp_avg_sq', tensor([2], [1])]);
    return `${index(i)}${moments}`;
  });
  const deep = Array.from({ length: 200 }).reduce<string>((inner) => dict(['inner', inner]), '}');
  const pickle = dict(
    ['epoch', 'K\x03'],
    ['state_dict', dict(...weights)],
    ['optimizer', dict(['state', `}(${state.join('')}u`], ['param_groups', `](${deep}e`])],
  );
  for (const bytes of [zipOf(pickle), streamOf(pickle)]) {
    const { tensors, metadata } = readTorch(bytes);
    assert.is(tensors.size, count);
    assert.equal([...tensors.get('layer5.weight')!.data], [1, 2]);
    assert.equal(metadata, { epoch: '3' });
  }
});

test('truncated and damaged checkpoints give an InputError or a checkpoint, nothing else', () => {
  const quietly = (bytes: Uint8Array) => {
    try {
      readTorch(bytes);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
    }
  };
  for (const name of ['every_type.pth', 'every_type.pth.tar', 'every_type_protocol4.pth']) {
    const good = fixture(`torch-checkpoints/${name}`);
    for (let length = 0; length < good.length; length++) refuses(good.subarray(0, length), /./);
    const flip = fc.record({ at: fc.nat({ max: good.length - 1 }), to: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 4 }), (flips) => {
        const bytes = good.slice();
        for (const { at, to } of flips) bytes[at] = to;
        quietly(bytes);
      }),
      { numRuns: 1500 },
    );
  }
  // The pickle alone, its checksum made right again.
  const pickle = dict(['epoch', 'K\x03'], ['w', tensor([2, 3], [1, 2])], ['v', tensor([2], [1], { offset: 3 })]);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: pickle.length - 1 }), fc.nat({ max: 255 })), { maxLength: 3 }),
      (flips) => {
        const bytes = raw(`${pickle}.`);
        for (const [at, to] of flips) bytes[at] = to;
        quietly(zip({ 'a/data.pkl': bytes, 'a/data/0': six }));
      },
    ),
    { numRuns: 5000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => quietly(stream(String.fromCharCode(...bytes)))),
    { numRuns: 3000 },
  );
});

const same = (given: Map<string, TensorData>, expected: Map<string, TensorData>) => {
  for (const [name, { shape, data }] of expected) {
    assert.equal(given.get(name)?.shape, shape, name);
    assert.ok(
      data.every((value, i) => given.get(name)!.data[i] === value),
      name,
    );
  }
  const others = [...given.keys()].filter((name) => !expected.has(name));
  assert.ok(
    others.every((name) => name.endsWith('num_batches_tracked')),
    String(others),
  );
};

test('a torchvision checkpoint has the same tensors as its safetensors file', () => {
  same(
    readTorch(fixture('torch-reference/densenet/model.pth')).tensors,
    readSafetensors(fixture('torch-reference/densenet/model.safetensors')).tensors,
  );
});

test('every shared checkpoint has the same tensors as its safetensors file, if they are there', () => {
  if (!existsSync(data)) return console.log('skipped: no shared data for torch checkpoints');
  let count = 0;
  for (const network of readdirSync(data)) {
    const expected = readSafetensors(readFileSync(`${data}/${network}/model.safetensors`)).tensors;
    for (const name of readdirSync(`${data}/${network}`).filter((file) => file.includes('.pth'))) {
      same(readTorch(readFileSync(`${data}/${network}/${name}`)).tensors, expected);
      count++;
    }
  }
  assert.is(count, 8);
});

test.run();
