/** Localizes in a worker of Node, or in a forked process, and reports to the process that started it. */
import { parentPort } from 'node:worker_threads';
import { localizeTiny } from './tiny.js';

const text = await localizeTiny();
if (parentPort) parentPort.postMessage(text);
else process.send?.(text, () => process.disconnect());
