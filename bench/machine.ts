/** What Node knows of the machine, and files with results. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { describe, type Gpu } from '../src/gpu/device.js';
import { LAYOUT, type Machine } from './results.js';

export function describeMachine(gpu: Gpu): Machine {
  const [cpu] = cpus();
  return {
    layout: LAYOUT,
    date: new Date().toISOString(),
    adapter: { name: describe(gpu.info), software: gpu.software, features: [...gpu.features].sort() },
    machine: {
      cpu: cpu?.model.trim() ?? 'unknown',
      cores: cpus().length,
      platform: `${process.platform} ${process.arch}`,
    },
    versions: { raybox: ownVersion(), node: process.versions.node, webgpu: versionOf('webgpu') },
  };
}

/** Writes JSON completely or not at all. */
export function writeJson(path: string, content: object): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, `${JSON.stringify(content, undefined, 1)}\n`);
  renameSync(`${path}.part`, path);
}

export function ownVersion(): string {
  // This path is right both from dist/bench/machine.js and from a bundle in the same folder.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function versionOf(name: string): string {
  try {
    return (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;
  } catch {
    return 'unknown';
  }
}
