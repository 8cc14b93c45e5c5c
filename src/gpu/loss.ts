/**
 * How a lost device is told. While it goes away, each implementation says so in words of its own: an AbortError with an empty message,
 * an OperationError, a refused pipeline. Whoever waits for the GPU waits here, so that everybody hears the same DeviceLostError.
 */
import { DeviceLostError, GpuUnavailableError, InputError, KernelError } from '../errors.js';

export interface Loss {
  /** Resolves once the device is lost; never where raybox itself closed it. */
  readonly lost: Promise<DeviceLostError>;
  /** What everything that needs the device is answered from then on. */
  readonly error: Error | undefined;
  /** Says that the device is about to be destroyed on purpose. */
  expect(): void;
}

/** What `onGpu` needs beside. */
interface KnownLoss extends Loss {
  /** Called once there is an error. A set, not a promise: what waited without success would stay with a promise for ever. */
  readonly waiting: Set<() => void>;
}

const known = new WeakMap<GPUDevice, KnownLoss>();

/** The loss of a device: one error, however many share the device. */
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
          hint: 'localizer.restore() starts over on a new device',
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
 * How long a failure may run ahead of the news that the device is lost. What only a lost device explains waits longer, because
 * nothing is gained by being quick there.
 */
const OURS_MS = 200;
const FOREIGN_MS = 2000;

/**
 * Waits for something that the GPU does; every await on it goes through here.
 * @throws DeviceLostError, the same for everybody, where the device was lost; GpuUnavailableError where raybox has closed it;
 *   otherwise what went wrong, as one of raybox's own errors.
 */
export function onGpu<T>(device: GPUDevice, work: Promise<T>): Promise<T> {
  const loss = lossOf(device);
  return new Promise<T>((resolve, reject) => {
    // Whatever is still pending then may never be answered.
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
      if (!loss.error) timer = setTimeout(give, isOurs ? OURS_MS : FOREIGN_MS);
    };
    work.then(done, failed);
  });
}
