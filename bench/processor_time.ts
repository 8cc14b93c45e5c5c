/** Processor time in Node on Linux. */
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Milliseconds of all threads except the main one, which only waits. On a software adapter this is the cost of the kernels, and it hardly
 * changes if other programs use the machine.
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
