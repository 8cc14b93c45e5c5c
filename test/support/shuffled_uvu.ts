/** uvu, with the tests of each suite in an order that the seed in RAYBOX_SHUFFLE determines. */
import * as uvu from 'uvu';
import { shuffle } from './shuffle.js';

type Add = (test: uvu.Test) => void;

/** A suite that keeps its tests until it is run, and then adds them in another order. */
function shuffled(own: uvu.Test): uvu.Test {
  let kept: Add[] = [];
  const keep = (name: string, handler: uvu.Callback) => kept.push((test) => test(name, handler));
  return Object.assign(keep, own, {
    only: (name: string, handler: uvu.Callback) => kept.push((test) => test.only(name, handler)),
    run() {
      for (const add of shuffle(kept, Number(process.env.RAYBOX_SHUFFLE))) add(own);
      kept = [];
      own.run();
    },
  }) as unknown as uvu.Test;
}

export const test = shuffled(uvu.test);
export const suite = (name?: string, state?: object): uvu.Test =>
  shuffled(uvu.suite(name, state) as unknown as uvu.Test);
export const exec = uvu.exec;
