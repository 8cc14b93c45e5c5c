/**
 * Carries out tasks in worker threads. The tasks are functions that a module exports as `tasks`, so that the same functions can run on this
 * thread where there are no others.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { InputError } from '../../errors.js';

/** What a task gives: its answer, and the memory of it that is handed over to the other thread instead of being copied. */
export interface Done<Answer> {
  answer: Answer;
  transfer: ArrayBuffer[];
}

/** A module with tasks. What they are given and what they answer is cloned on its way from thread to thread. */
type TasksOf<T> = { [Name in keyof T]: (...given: never[]) => Promise<Done<unknown>> };
type Given<T, Name extends keyof T> = T[Name] extends (...given: infer Values) => unknown ? Values : never;
type Answer<T, Name extends keyof T> = T[Name] extends (...given: never[]) => Promise<Done<infer Value>>
  ? Value
  : never;

export interface ThreadPool<T> {
  /** The most tasks that are carried out at once. */
  readonly size: number;
  /**
   * Carries out a task. Tasks begin in the order of the calls.
   * @param transfer memory of `given` that is handed over to the thread, and is empty here afterwards
   * @throws InputError if the task did, or if the pool was closed; Error if the task failed in another way, or if a thread ended
   */
  run<Name extends keyof T & string>(
    task: Name,
    given: Given<T, Name>,
    transfer?: ArrayBuffer[],
  ): Promise<Answer<T, Name>>;
  /** Ends all threads. Tasks that are not finished fail. */
  close(): Promise<void>;
}

export interface ThreadPoolOptions<T> {
  /** The module with the tasks, as threads import it. */
  module: URL;
  /** Gives the tasks of that module on this thread, on which they are carried out if no thread can be started. */
  here(): Promise<T>;
  /** The most threads. They are started when there is work for them. Default: one for each processor, at most 8. */
  threads?: number | undefined;
}

/** What a thread says: that it has loaded its module, or how its task ended. */
type Said = { isReady: true } | { answer: unknown } | { error: { message: string; stack?: string; isInput: boolean } };

interface Job {
  task: string;
  given: readonly unknown[];
  transfer: ArrayBuffer[];
  done(answer: unknown): void;
  fail(error: Error): void;
}

export function openThreadPool<T extends TasksOf<T>>({ module, here, threads }: ThreadPoolOptions<T>): ThreadPool<T> {
  const size = threads ?? Math.min(availableParallelism(), 8);
  /** All threads with their jobs. A thread that has not loaded its module yet is in neither `jobs` nor `idle`. */
  const workers = new Set<Worker>();
  const idle: Worker[] = [];
  const jobs = new Map<Worker, Job>();
  const waiting: Job[] = [];
  let most = size;
  let broken: Error | undefined;
  let isClosed = false;

  const failAll = (error: Error) => {
    broken ??= error;
    for (const job of [...jobs.values(), ...waiting.splice(0)]) job.fail(error);
    jobs.clear();
  };

  /**
   * A thread could not be started: threads are forbidden, there are too many, or a bundler left their files out. So the threads that there are
   * have to do, and if there is none, all jobs are carried out on this one.
   */
  const goOnWithout = () => {
    most = workers.size;
    if (most === 0) for (const job of waiting.splice(0)) runHere(job, here);
  };

  function start(): void {
    let worker: Worker;
    try {
      worker = new Worker(new URL('./pool_worker.js', import.meta.url), {
        workerData: module.href,
        // Without this, a thread would inherit flags such as --input-type, which only make sense for the main script.
        execArgv: [],
      });
    } catch {
      goOnWithout();
      return;
    }
    let isReady = false;
    worker.on('message', (said: Said) => {
      isReady = true;
      if (!('isReady' in said)) finish(worker, said);
      idle.push(worker);
      assign();
    });
    const ended = (error: Error) => {
      workers.delete(worker);
      if (isReady) failAll(error);
      else if (!broken) goOnWithout();
    };
    worker.on('error', ended);
    worker.on('exit', (code) => ended(new Error(`a worker thread ended with code ${code}`)));
    workers.add(worker);
  }

  function finish(worker: Worker, said: Exclude<Said, { isReady: true }>): void {
    const job = jobs.get(worker);
    jobs.delete(worker);
    if ('answer' in said) job?.done(said.answer);
    else job?.fail(asError(said.error));
  }

  /** Gives waiting jobs to threads that have none, and starts threads for the others. */
  function assign(): void {
    if (isClosed) return; // a message may still come from a thread that is ending, which has to keep the process until then
    while (waiting.length > 0 && idle.length > 0) {
      const [worker, job] = [idle.pop()!, waiting.shift()!];
      jobs.set(worker, job);
      worker.postMessage({ task: job.task, given: job.given }, job.transfer);
    }
    const loading = () => workers.size - idle.length - jobs.size;
    while (workers.size < most && loading() < waiting.length) start();
    // A thread without work does not keep the process from ending.
    for (const worker of workers) jobs.size + waiting.length > 0 ? worker.ref() : worker.unref();
  }

  return {
    size,
    async run(task, given, transfer = []) {
      if (broken) throw broken;
      return new Promise((done, fail) => {
        const job = { task, given, transfer, done: done as Job['done'], fail };
        if (most === 0) return runHere(job, here);
        waiting.push(job);
        assign();
      });
    },
    async close() {
      isClosed = true;
      failAll(new InputError('the worker threads were closed'));
      const ending = [...workers].map((worker) => {
        worker.ref(); // the process must not end before the threads have
        return worker.removeAllListeners('exit').terminate();
      });
      await Promise.all(ending);
    },
  };
}

async function runHere({ task, given, done, fail }: Job, here: () => Promise<unknown>): Promise<void> {
  try {
    const tasks = (await here()) as Record<string, (...given: unknown[]) => Promise<Done<unknown>>>;
    done((await tasks[task](...given)).answer);
  } catch (error) {
    fail(error as Error);
  }
}

/** Errors lose their class on the way from a thread. */
function asError({ message, stack, isInput }: { message: string; stack?: string; isInput: boolean }): Error {
  const error = isInput ? new InputError(message) : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
