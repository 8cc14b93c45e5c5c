/**
 * Makes waiting for the GPU cheaper for software adapters. While a promise of a device is pending, Node's `webgpu` polls the device in every
 * turn of the event loop, by calling the global `setImmediate` again and again. That keeps a CPU core busy, which a software adapter needs
 * for computing.
 */

/** The polling is as fast as ever for this long, so that short waits end without delay. */
const SPIN_MS = 0.5;
/** After that, there is a pause of this length between polls. */
const PAUSE_MS = 1;

// A callback of a native module has neither a name nor source text. Bound functions have no source text either, but a name.
const isNative = (callback: unknown) =>
  typeof callback === 'function' &&
  callback.name === '' &&
  /\[native code\]/.test(Function.prototype.toString.call(callback));

let isEased = false;

/**
 * Replaces the global `setImmediate` by one that pauses between the polls of native modules. For all other callers it works as before.
 */
export function easeWaiting(): void {
  if (isEased) return;
  isEased = true;
  const immediate = globalThis.setImmediate;
  let isLooking = false;
  let since = 0;
  const eased = (callback: (...args: unknown[]) => void, ...args: unknown[]) => {
    if (!isNative(callback)) return immediate(callback, ...args);
    // A call from within a poll means that the same wait continues. Any other call begins a new wait.
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
