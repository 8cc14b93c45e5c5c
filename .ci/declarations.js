// After `tsc`: declaration files name WebGPU's types, which a user's compiler may or may not know. Each file that needs some
// imports them from src/gpu/webgpu.ts, which finds out.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = join(dirname(fileURLToPath(import.meta.url)), '../dist/src');
const own = join(dist, 'gpu/webgpu.d.ts');
const known = [...readFileSync(own, 'utf8').matchAll(/^export type (GPU\w*)/gm)].map(([, name]) => name);

for (const name of readdirSync(dist, { recursive: true })) {
  const path = join(dist, name);
  if (!name.endsWith('.d.ts') || path === own) continue;
  const text = readFileSync(path, 'utf8');
  if (/from '[^']*\bwebgpu\.js'/.test(text)) continue; // done before: the compiler writes anew only what has changed
  const used = [...new Set(text.replace(/\/\*[\s\S]*?\*\/|'[^']*'/g, '').match(/\bGPU\w*\b/g))].sort();
  const unknown = used.filter((type) => !known.includes(type));
  if (unknown.length > 0) throw new Error(`${name} names ${unknown.join(', ')}: add them to src/gpu/webgpu.ts`);
  if (used.length === 0) continue;
  const from = relative(dirname(path), own).replace(/\.d\.ts$/, '.js');
  writeFileSync(
    path,
    `import type { ${used.join(', ')} } from '${from.startsWith('.') ? from : `./${from}`}';\n${text}`,
  );
}
