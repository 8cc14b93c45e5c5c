/** Processor time of the threads that compute for a software adapter. */
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Processor time of all threads except the main one, which only waits, in milliseconds. On a software adapter this is the cost of the kernels,
 * and it hardly changes if other programs use the machine. Undefined where it cannot be told: only Linux does.
 */
export function otherThreadsMs(): number | undefined {
  try {
    let nanoseconds = 0;
    for (const thread of readdirSync('/proc/self/task')) {
      if (Number(thread) === process.pid) continue;
      nanoseconds += Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    }
    return nanoseconds / 1e6;
  } catch {
    return undefined; // this is not Linux, or a thread has ended in the meantime
  }
}
