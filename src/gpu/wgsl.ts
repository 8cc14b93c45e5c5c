/**
 * Turns a kernel file into the WGSL text that is compiled:
 * 1. `enable` lines for the features that it needs,
 * 2. a generated prelude of `const` and `alias` lines,
 * 3. the file, with its `#if NAME`, `#if !NAME`, `#if NAME < NUMBER`, `#else` and `#endif` lines resolved.
 *
 * Kernels use `#if` only where a plain `if` on a constant of the prelude would not do, because unused code has to be valid too. For
 * example, a binding counts as used even if the only code that uses it never runs.
 */
import { KernelError } from '../errors.js';

/** A kernel as `.ci/build.js` embeds it from `kernels/<name>.wgsl`. */
export interface Kernel {
  name: string;
  /** WGSL with a `struct Params` whose fields are all 4-byte scalars. */
  source: string;
}

/**
 * The content of a kernel's prelude. An integer or boolean becomes `const NAME`; a string is a WGSL type and becomes `alias NAME`.
 * `SUBGROUPS: true`, `MATRICES: true` (subgroup matrices), `PINNED` (the size of subgroups, where an adapter has several) and the type `f16` also add their
 * `enable` line; `PINNED` also adds its attribute to the entry point.
 */
export type Constants = Readonly<Record<string, number | boolean | string>>;

/** The WGSL text of one variant of a kernel. The pipeline cache finds the variant by this text. */
export function assemble(kernel: Kernel, constants: Constants): string {
  const enables: string[] = [];
  if (Object.values(constants).includes('f16')) enables.push('enable f16;');
  if (constants.SUBGROUPS === true) enables.push('enable subgroups;');
  if (constants.PINNED) enables.push('enable subgroup_size_control;');
  if (constants.MATRICES === true) {
    enables.push('enable chromium_experimental_subgroup_matrix;');
    // The compiler only knows whether a value is uniform in a workgroup; what belongs to a subgroup is uniform in the subgroup, which is enough.
    enables.push('diagnostic(off, chromium.subgroup_matrix_uniformity);');
  }
  const prelude = Object.entries(constants).map(([name, value]) => {
    if (typeof value === 'string') return `alias ${name} = ${value};`;
    return `const ${name} = ${typeof value === 'boolean' ? value : `${value}u`};`;
  });
  const text = [...enables, ...prelude, ...resolveConditions(kernel, constants)].join('\n');
  return constants.PINNED ? text.replace('@compute', '@compute @subgroup_size(PINNED)') : text;
}

function resolveConditions(kernel: Kernel, constants: Constants): string[] {
  const kept: string[] = [];
  const taken: boolean[] = []; // for each open #if, whether the lines of its current branch are kept
  for (const line of kernel.source.split('\n')) {
    const condition = /^\s*#if (!?)(\w+)(?: < (\d+))?\s*$/.exec(line);
    if (condition) {
      const [, not, name, limit] = condition;
      if (!(name in constants)) throw new KernelError(`kernel ${kernel.name}: #if ${name} is not in its prelude`);
      const holds = limit ? Number(constants[name]) < Number(limit) : Boolean(constants[name]);
      taken.push(holds !== (not === '!'));
    } else if (/^\s*#else\s*$/.test(line)) {
      taken.push(!taken.pop());
    } else if (/^\s*#endif\s*$/.test(line)) {
      taken.pop();
    } else if (taken.every(Boolean)) {
      kept.push(line);
    }
  }
  if (taken.length > 0) throw new KernelError(`kernel ${kernel.name}: #if without #endif`);
  return kept;
}

const layouts = new WeakMap<Kernel, readonly (readonly [name: string, type: string])[]>();

/** The fields of a kernel's `struct Params`, in order. They are read from the WGSL, so that its layout is written down only once. */
function paramsOf(kernel: Kernel) {
  let fields = layouts.get(kernel);
  if (!fields) {
    const body = /struct Params \{([^}]*)\}/.exec(kernel.source)?.[1] ?? '';
    fields = [...body.matchAll(/(\w+)\s*:\s*(\w+)/g)].map(([, name, type]) => [name, type] as const);
    layouts.set(kernel, fields);
  }
  return fields;
}

/** Bytes of a kernel's `Params` uniform: whole 16-byte units, as uniform buffers have to be. */
export const paramsSize = (kernel: Kernel): number => Math.max(16, Math.ceil(paramsOf(kernel).length / 4) * 16);

/** The content of a `Params` uniform. `values` must have every field of the struct and no other. */
export function packParams(kernel: Kernel, values: Readonly<Record<string, number>>): ArrayBuffer {
  const params = paramsOf(kernel);
  const bytes = new ArrayBuffer(paramsSize(kernel));
  const view = new DataView(bytes);
  const given = Object.keys(values);
  if (given.length !== params.length) {
    throw new KernelError(`kernel ${kernel.name}: wrong parameters`, {
      expected: params.map(([name]) => name).join(', '),
      given: given.join(', '),
    });
  }
  params.forEach(([name, type], index) => {
    const value = values[name];
    if (value === undefined) throw new KernelError(`kernel ${kernel.name}: parameter ${name} is missing`);
    if (type === 'f32') view.setFloat32(index * 4, value, true);
    else view.setInt32(index * 4, value | 0, true);
  });
  return bytes;
}
