/**
 * How the loss of a device is reported. When a device is lost, pending calls fail in ways that differ between implementations: with an
 * AbortError with an empty message, with an OperationError, or with a refused pipeline. All code that waits for the GPU therefore waits
 * through `onGpu`, which turns each of these into the same DeviceLostError.
 */
import { DeviceLostError, GpuUnavailableError, InputError, KernelError } from '../errors.js';

export interface Loss {
  /** Resolves once the device is lost. It never resolves if raybox itself closed the device. */
  readonly lost: Promise<DeviceLostError>;
  /** The error of all later calls that need the device; undefined while the device works. */
  readonly error: Error | undefined;
  /** Has to be called before the device is destroyed on purpose. */
  expect(): void;
}

/** A `Loss`, with the list that only `onGpu` uses. */
interface KnownLoss extends Loss {
  /**
   * Functions to call once the device is lost. This is a set rather than a promise, because a finished wait can take itself out of a set,
   * whereas a promise would keep every callback as long as the device lives.
   */
  readonly waiting: Set<() => void>;
}

const known = new WeakMap<GPUDevice, KnownLoss>();

/** The `Loss` of a device. All users of a device share it, so that they get the same error. */
export function lossOf(device: GPUDevice): KnownLoss {
  const found = known.get(device) ?? watch(device);
  known.set(device, found);
  return found;
}

function watch(device: GPUDevice): KnownLoss {
  const waiting = new Set<() => void>();
  let error: Error | undefined;
  let isExpected = false;
  const lost = new Promise<DeviceLostError>((resolve) => {
    device.lost.then(({ message, reason }) => {
      if (isExpected) {
        error = new GpuUnavailableError('the device was closed');
      } else {
        const loss = new DeviceLostError(`the GPU device was lost: ${message || reason}`, {
          hint: 'localizer.restore() starts over on a new device; if the device was your own, give it another one: localizer.restore(device)',
        });
        error = loss;
        resolve(loss);
      }
      for (const tell of waiting) tell();
      waiting.clear();
    });
  });
  return {
    lost,
    waiting,
    get error() {
      return error;
    },
    expect() {
      isExpected = true;
    },
  };
}

/**
 * A call can fail shortly before `device.lost` resolves. A failure is therefore held back for a while: if the device turns out to be lost,
 * the DeviceLostError is thrown instead. Errors of raybox's own are usually right as they are, so they wait only briefly. Other errors almost
 * always come from a lost device, so they wait longer.
 */
const OWN_ERROR_MS = 200;
const OTHER_ERROR_MS = 2000;

/**
 * Waits for work of the GPU. Every await of such work must go through here.
 * @throws DeviceLostError (the same object for all who wait) if the device was lost; GpuUnavailableError if raybox has closed it;
 *   otherwise the error of `work`, as one of raybox's own errors.
 */
export function onGpu<T>(device: GPUDevice, work: Promise<T>): Promise<T> {
  const loss = lossOf(device);
  return new Promise<T>((resolve, reject) => {
    // After a loss some pending calls never settle, so the loss itself has to end the wait.
    let timer: ReturnType<typeof setTimeout> | undefined;
    const lose = () => {
      clearTimeout(timer);
      reject(loss.error);
    };
    if (loss.error) lose();
    else loss.waiting.add(lose);
    const done = (value: T) => {
      loss.waiting.delete(lose);
      resolve(value);
    };
    const failed = (error: unknown) => {
      const isOurs = error instanceof KernelError || error instanceof InputError || error instanceof DeviceLostError;
      const give = () => {
        loss.waiting.delete(lose);
        reject(isOurs ? error : new KernelError(`the GPU failed: ${error}`, { cause: error }));
      };
      if (!loss.error) timer = setTimeout(give, isOurs ? OWN_ERROR_MS : OTHER_ERROR_MS);
    };
    work.then(done, failed);
  });
}
