/** What a page may know of its machine. */
import type { Gpu } from '../../src/gpu/device.js';
import { LAYOUT, type Machine } from '../results.js';

/** The version of raybox, which the build puts in (`.ci/web.js`). */
declare const RAYBOX_VERSION: string;

/** Describes browser, system and adapter. The browser's text about itself (`userAgent`) is reduced to names and the main version. */
export function describePage(adapter: string, { software, features }: Pick<Gpu, 'software' | 'features'>): Machine {
  const [browser, version] = browserOf(navigator.userAgent);
  return {
    layout: LAYOUT,
    date: new Date().toISOString().slice(0, 10),
    adapter: { name: adapter || 'not told by the browser', software, features: [...features].sort() },
    machine: { cpu: 'unknown', cores: navigator.hardwareConcurrency ?? 0, platform: systemOf(navigator.userAgent) },
    versions: { raybox: RAYBOX_VERSION, [browser]: version },
  };
}

/** The first that fits counts: most browsers also name those that they resemble. */
const BROWSERS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['edge', /Edg\w*\/(\d+)/],
  ['firefox', /(?:Firefox|FxiOS)\/(\d+)/],
  ['samsung', /SamsungBrowser\/(\d+)/],
  ['chrome', /(?:Chrome|CriOS)\/(\d+)/],
  ['safari', /Version\/(\d+(?:\.\d+)?).*Safari/],
];

/** The name of a browser and its main version, by its `userAgent`. */
export function browserOf(userAgent: string): readonly [name: string, version: string] {
  for (const [name, pattern] of BROWSERS) {
    const version = pattern.exec(userAgent)?.[1];
    if (version !== undefined) return [name, version];
  }
  return ['browser', 'unknown'];
}

const SYSTEMS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['Android', /Android/],
  ['iOS', /iPhone|iPad|iPod/],
  ['Windows', /Windows/],
  ['macOS', /Mac OS X|Macintosh/],
  ['ChromeOS', /CrOS/],
  ['Linux', /Linux/],
];

/** The name of the operating system, by a browser's `userAgent`. */
export const systemOf = (userAgent: string): string =>
  SYSTEMS.find(([, pattern]) => pattern.test(userAgent))?.[0] ?? 'unknown';
