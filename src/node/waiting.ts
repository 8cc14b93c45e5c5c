/**
 * While a promise of a device is pending, Node's `webgpu` looks for news in every turn of the event loop, by calling the global
 * `setImmediate` again and again. That keeps a core busy: one that a software adapter computes with.
 */

/** For so long waiting spins first: what is over sooner is told at once. */
const SPIN_MS = 0.5;
const PAUSE_MS = 1;

// What a native module passes has no name and no source; a bound function has a name.
const isNative = (callback: unknown) =>
  typeof callback === 'function' &&
  callback.name === '' &&
  /\[native code\]/.test(Function.prototype.toString.call(callback));

let isEased = false;

/** From now on the process rests between the looks of native modules, a millisecond each. Everyone else's `setImmediate` stays as it is. */
export function easeWaiting(): void {
  if (isEased) return;
  isEased = true;
  const immediate = globalThis.setImmediate;
  let isLooking = false;
  let since = 0;
  const eased = (callback: (...args: unknown[]) => void, ...args: unknown[]) => {
    if (!isNative(callback)) return immediate(callback, ...args);
    // Asked for within a look: still waiting. Otherwise something new is waited for.
    if (!isLooking) since = performance.now();
    const look = () => {
      isLooking = true;
      try {
        callback(...args);
      } finally {
        isLooking = false;
      }
    };
    return performance.now() - since < SPIN_MS ? immediate(look) : setTimeout(look, PAUSE_MS);
  };
  globalThis.setImmediate = Object.defineProperties(
    eased,
    Object.getOwnPropertyDescriptors(immediate),
  ) as typeof immediate;
}
