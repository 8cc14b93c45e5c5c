/** What `node dist/test/run.js --shuffle` imports before a test file: whoever imports uvu then gets `shuffled_uvu.ts`. */
import { register } from 'node:module';

const wrapper = new URL('./shuffled_uvu.js', import.meta.url).href;
const hooks = `export const resolve = (name, context, next) =>
  name === 'uvu' && context.parentURL !== ${JSON.stringify(wrapper)}
    ? { url: ${JSON.stringify(wrapper)}, shortCircuit: true }
    : next(name, context);`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
