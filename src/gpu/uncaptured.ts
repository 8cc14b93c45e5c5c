/** Errors of a device that no error scope has caught. */
import { KernelError } from '../errors.js';

/** The errors of a device since a collector began to listen. */
export interface UncapturedErrors {
  /** Returns the first error since the last call, if there was one. */
  take(): KernelError | undefined;
  /** Stops listening. */
  end(): void;
}

/** Collects errors from now on. Each collector gets all errors, also those that another one has taken. */
export function uncapturedErrors(device: GPUDevice): UncapturedErrors {
  let failure: KernelError | undefined;
  // A listener leaves the caller's own `onuncapturederror` handler in place.
  const onError = (event: GPUUncapturedErrorEvent) => {
    failure ??= new KernelError(`the GPU reported an error: ${event.error.message}`);
  };
  device.addEventListener('uncapturederror', onError);
  return {
    take() {
      const taken = failure;
      failure = undefined;
      return taken;
    },
    end: () => device.removeEventListener('uncapturederror', onError),
  };
}
