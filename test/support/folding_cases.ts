/**
 * Operators of constants, with what onnxruntime computes for them (or ONNX's own reference where onnxruntime lacks the type). The values
 * are those that a type makes different: bounds, signs, halves, wrapping around.
 */
import type { OnnxNode, OnnxTensor } from './onnx.js';

type Type = NonNullable<OnnxTensor['type']>;

export interface FoldingCase {
  op: string;
  attributes?: OnnxNode['attributes'];
  inputs: OnnxTensor[];
  /** The type of the result, as raybox names it, its shape, and its numbers. */
  type: string;
  dims: number[];
  expected: number[];
  opset?: number;
}

const t = (type: Type, ...data: number[]): OnnxTensor => ({ dims: [data.length], data, type });
const big = (...data: bigint[]): OnnxTensor => ({ dims: [data.length], data: [], big: data, type: 'i64' });
const ints = (...data: number[]) => t('i64', ...data);
const one = (type: Type, value: number): OnnxTensor => ({ dims: [], data: [value], type });

const listed = (
  op: string,
  inputs: OnnxTensor[],
  type: string,
  expected: number[],
  attributes?: OnnxNode['attributes'],
): FoldingCase => ({ op, inputs, type, dims: [expected.length], expected, ...(attributes ? { attributes } : {}) });

const cast = (from: OnnxTensor, to: number, type: string, expected: number[]) =>
  listed('Cast', [from], type, expected, { to });

/** Halves by their bits: 1/3, 2049 (a tie), 65504, 1e5. */
const NUMBERS = [1 / 3, 2049, 65504, 1e5, -2.5];

export const foldingCases: readonly FoldingCase[] = [
  // Whole numbers wrap around.
  listed('Add', [t('u8', 200, 255, 1), t('u8', 100, 1, 1)], 'U8', [44, 0, 2]),
  listed('Add', [t('i8', 127, -128), t('i8', 1, -1)], 'I8', [-128, 127]),
  listed('Sub', [t('u8', 3), t('u8', 5)], 'U8', [254]),
  listed('Sub', [t('u32', 0), t('u32', 1)], 'U32', [4294967295]),
  listed('Mul', [t('i16', 300), t('i16', 300)], 'I16', [24464]),
  listed('Mul', [t('i32', 2147483647, 65536), t('i32', 2147483647, 65536)], 'I32', [1, 0]),
  listed('Mul', [t('u32', 4294967295), t('u32', 4294967295)], 'U32', [1]),
  listed('Add', [t('i32', 2147483647), t('i32', 1)], 'I32', [-2147483648]),
  listed('Add', [t('i64', 2 ** 40, -5), t('i64', 2 ** 40, 3)], 'I64', [2 ** 41, -2]),
  listed('Mul', [t('i64', 2 ** 40), t('i64', 2 ** 40)], 'I64', [0]),
  listed('Neg', [t('i8', -128, 5)], 'I8', [-128, -5]),
  listed('Abs', [t('i8', -128, -5, 5)], 'I8', [-128, 5, 5]),
  listed('Sign', [t('i32', -7, 0, 9)], 'I32', [-1, 0, 1]),
  // Division cuts; what remains has the sign of the divisor (mod) or of the dividend (fmod).
  listed('Div', [t('i32', 7, -7, 7, -7), t('i32', 2, 2, -2, -2)], 'I32', [3, -3, -3, 3]),
  listed('Div', [t('u8', 255), t('u8', 2)], 'U8', [127]),
  listed('Div', [t('i64', 9007199254740991), t('i64', 2)], 'I64', [4503599627370495]),
  listed('Mod', [t('i32', 7, -7, 7, -7), t('i32', 3, 3, -3, -3)], 'I32', [1, 2, -2, -1]),
  listed('Mod', [t('i32', 7, -7, 7, -7), t('i32', 3, 3, -3, -3)], 'I32', [1, -1, 1, -1], { fmod: 1 }),
  listed('Mod', [t('f32', 5.5, -5.5), t('f32', 3, 3)], 'F32', [2.5, -2.5], { fmod: 1 }),
  listed('Mod', [t('f32', -3, 3, -1, 1, 0), t('f32', 1 / 0, 1 / 0, -1 / 0, -1 / 0, -2)], 'F32', [
    1 / 0,
    3,
    -1,
    -1 / 0,
    0,
  ]),
  { op: 'TopK', inputs: [t('i32', 3, 9, 9, -2), ints(3)], type: 'I32', dims: [3], expected: [9, 9, 3] },
  // The type of a power is that of its base.
  listed('Pow', [t('i32', 2, 3, 10, -2), t('f32', 0.5, 2, 1.5, 3)], 'I32', [1, 9, 31, -8]),
  listed('Pow', [t('i64', 2, 3), t('i64', 40, 33)], 'I64', [2 ** 40, 5559060566555523]),
  listed('Pow', [t('i32', 2, 1, -1), t('i32', -1, -5, -3)], 'I32', [0, 1, -1]),
  listed('Pow', [t('f32', 2, 9), t('i64', -1, 3)], 'F32', [0.5, 729]),
  listed('Max', [t('i32', 3, -1), t('i32', 2, 5), t('i32', 1, 9)], 'I32', [3, 9]),
  listed('Min', [t('f32', 3, Number.NaN), t('f32', 2, 5)], 'F32', [2, Number.NaN]),
  listed('Clip', [t('i32', -5, 3, 9), one('i32', 0), one('i32', 5)], 'I32', [0, 3, 5]),
  listed('Clip', [t('f32', 1, 3), one('f32', 4), one('f32', 2)], 'F32', [2, 2]),
  listed('Round', [t('f32', 0.5, 1.5, -0.5, -2.5, 2.6)], 'F32', [0, 2, 0, -2, 3]),
  // Casts.
  cast(t('f32', 1.9, -1.9, 0.5, -0.5), 6, 'I32', [1, -1, 0, 0]),
  cast(t('f32', 1.9, -1.9, 255), 7, 'I64', [1, -1, 255]),
  cast(t('f32', 0, 0.25, -3, Number.NaN), 9, 'BOOL', [0, 1, 1, 1]),
  cast(t('i32', 300, -1), 2, 'U8', [44, 255]),
  cast(t('i32', 200, -200), 3, 'I8', [-56, 56]),
  cast(t('i64', 2 ** 32 + 5, -1), 6, 'I32', [5, -1]),
  cast(t('i64', -1, 7), 12, 'U32', [4294967295, 7]),
  cast(t('i32', 5, 0, -3), 9, 'BOOL', [1, 0, 1]),
  cast(t('i32', 16777217), 1, 'F32', [16777216]),
  cast(t('f64', 0.1, 16777217), 1, 'F32', [Math.fround(0.1), 16777216]),
  cast(t('f32', ...NUMBERS), 10, 'F16', [0.333251953125, 2048, 65504, Infinity, -2.5]),
  cast(t('f64', 2049, 65519), 10, 'F16', [2048, 65504]),
  cast(t('f32', 1 / 3, 257, -2.5), 16, 'BF16', [0.333984375, 256, -2.5]),
  cast(t('bool', 1, 0), 1, 'F32', [1, 0]),
  // Halves are rounded after each step: 0.1 + 0.2, 1000 · 1000.
  listed('Add', [t('f16', 0x2e66), t('f16', 0x3266)], 'F16', [0.2998046875]),
  listed('Mul', [t('f16', 0x63d0), t('f16', 0x63d0)], 'F16', [Infinity]),
  listed('Sqrt', [t('f16', 0x4000)], 'F16', [1.4140625]),
  listed('Add', [t('f64', 0.1), t('f64', 0.2)], 'F64', [0.1 + 0.2]),
  // Truth values.
  listed('Equal', [t('i64', 1, 2), t('i64', 1, 3)], 'BOOL', [1, 0]),
  listed('Equal', [t('f32', Number.NaN), t('f32', Number.NaN)], 'BOOL', [0]),
  listed('Greater', [t('f32', 1, Number.NaN), t('f32', 0, 0)], 'BOOL', [1, 0]),
  listed('Not', [t('bool', 1, 0)], 'BOOL', [0, 1]),
  listed('Where', [t('bool', 1, 0), t('i64', 5, 6), t('i64', 7, 8)], 'I64', [5, 8]),
  // Reductions of whole numbers stay whole.
  { op: 'ReduceMean', inputs: [t('i32', 1, 2, 4)], type: 'I32', dims: [1], expected: [2] },
  { op: 'ReduceMean', inputs: [t('i32', -1, -2, -4)], type: 'I32', dims: [1], expected: [-2] },
  { op: 'ReduceProd', inputs: [t('i32', 65536, 32767)], type: 'I32', dims: [1], expected: [2147418112] },
  { op: 'ReduceLogSumExp', inputs: [t('f32', 1000, 1000)], type: 'F32', dims: [1], expected: [1000.6931472] },
  {
    ...{ op: 'ReduceMax', inputs: [{ dims: [2, 2], data: [1, 5, 7, 3] }], attributes: { axes: [-1], keepdims: 0 } },
    ...{ type: 'F32', dims: [2], expected: [5, 7] },
  },
  // Shapes and indices.
  ...(
    [
      [{}, [2, 3, 4]],
      [{ start: 1 }, [3, 4]],
      [{ start: -2, end: -1 }, [3]],
      [{ start: -9, end: 9 }, [2, 3, 4]],
      [{ start: 2, end: 1 }, []],
    ] as const
  ).map(([attributes, expected]) =>
    listed('Shape', [{ dims: [2, 3, 4], data: new Float32Array(24) }], 'I64', [...expected], attributes),
  ),
  listed('Range', [one('i32', 10), one('i32', 0), one('i32', -3)], 'I32', [10, 7, 4, 1]),
  listed('Range', [one('i64', 5), one('i64', 5), one('i64', 1)], 'I64', []),
  listed('Range', [one('f32', 0), one('f32', 0.5), one('f32', 0.1)], 'F32', [0, 0.1, 0.2, 0.3, 0.4]),
  listed('Gather', [t('i32', 10, 20, 30), t('i64', -1, 0)], 'I32', [30, 10]),
  {
    ...{ op: 'Gather', inputs: [{ dims: [2, 2], data: [1, 2, 3, 4] }, t('i64', -1)], attributes: { axis: -1 } },
    ...{ type: 'F32', dims: [2, 1], expected: [2, 4] },
  },
  listed(
    'Slice',
    [t('i64', 0, 1, 2, 3, 4), t('i64', -1), big(-(2n ** 63n)), t('i64', 0), t('i64', -2)],
    'I64',
    [4, 2, 0],
  ),
  listed('Slice', [t('i64', 0, 1, 2, 3, 4), t('i64', 1), big(2n ** 63n - 1n), t('i64', -1)], 'I64', [1, 2, 3, 4]),
  listed('Slice', [t('i64', 0, 1, 2), t('i64', 2), t('i64', 1)], 'I64', []),
  listed('Concat', [t('i32', 1), t('i32', 2, 3)], 'I32', [1, 2, 3], { axis: -1 }),
  {
    ...{ op: 'Flatten', inputs: [{ dims: [2, 3, 4], data: new Float32Array(24).fill(1) }], attributes: { axis: -1 } },
    ...{ type: 'F32', dims: [6, 4], expected: new Array<number>(24).fill(1) },
  },
  {
    ...{ op: 'ConstantOfShape', inputs: [t('i64', 2)], attributes: { value: t('i32', 7) } },
    ...{ type: 'I32', dims: [2], expected: [7, 7] },
  },
  listed('Expand', [t('i8', -3), t('i64', 2)], 'I8', [-3, -3]),
];

/** Results that no standard defines, or that raybox cannot hold: refused by name. */
export const foldingRefusals: readonly [
  op: string,
  inputs: OnnxTensor[],
  why: RegExp,
  attributes?: OnnxNode['attributes'],
][] = [
  ['Add', [big(2n ** 53n + 1n), t('i64', 1)], /beyond 2\^53/],
  ['Mul', [t('i64', 2 ** 40), t('i64', 2 ** 20 + 1)], /beyond 2\^53/],
  ['Equal', [big(2n ** 53n + 1n), big(2n ** 53n)], /beyond 2\^53/],
  ['Div', [t('i32', 1), t('i32', 0)], /divides a whole number by 0/],
  ['Mod', [t('i32', 1), t('i32', 0)], /divides a whole number by 0/],
  ['Pow', [t('i32', 10), t('i32', 12)], /type \(I32\) does not hold/],
  ['Pow', [t('i32', 0), t('i32', -1)], /does not hold/],
  ['Add', [t('i64', 1), t('f32', 1)], /different types/],
  ['Exp', [t('i32', 1)], /has the type I32/],
  ['Cast', [t('f32', 1e10)], /beyond its range/, { to: 6 }],
  ['Cast', [t('f32', Number.NaN)], /beyond its range/, { to: 7 }],
  ['Cast', [t('f32', -1)], /beyond its range/, { to: 2 }],
  ['Cast', [t('f32', 1)], /casts to string/, { to: 8 }],
  ['Cast', [t('f32', 1)], /casts to float8e4m3fn/, { to: 17 }],
  ['Range', [one('f32', 0), one('f32', 1), one('f32', 0)], /its range is not finite/],
  ['Unsqueeze', [t('f32', 1), t('i64', 0, 0)], /named twice/],
  ['ReduceSum', [t('i32', 2147483647, 1)], /type \(I32\) does not hold/],
  ['ReduceProd', [t('i32', 65536, 65536, 3)], /does not hold/],
  ['ReduceL2', [t('i32', 3, 4)], /has the type I32/],
  ['ReduceL1', [t('f32', -3)], /no axes/, { noop_with_empty_axes: 1 }],
];
