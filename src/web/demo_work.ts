/** Runs the tasks of the demo page one at a time, and shows their status, progress and errors. */

export interface Work {
  /** Runs a task, whose result is shown as the status at its end. The task before is aborted first. */
  work(text: string, task: (signal: AbortSignal) => Promise<string>): Promise<void>;
  /** @param done 0 to 1, if it is known. */
  showStatus(text: string, done?: number): void;
  showError(error: Error, canRestart?: boolean): void;
  abort(): void;
}

export function createWork($: <E extends HTMLElement>(id: string) => E, isReady: () => boolean): Work {
  const progress = $<HTMLProgressElement>('progress');
  let running: AbortController | undefined;
  let last = Promise.resolve();

  function showStatus(text: string, done?: number): void {
    $('status-text').textContent = text;
    progress.hidden = false;
    if (done === undefined) progress.removeAttribute('value');
    else progress.value = done;
    $('abort').hidden = false;
  }

  function showError(error: Error, canRestart = !isReady()): void {
    $('error-text').textContent = error.message;
    $('error').hidden = false;
    $('restart').hidden = !canRestart;
    showStatus(canRestart ? 'Not ready.' : 'Ready.', 1);
    if (!running) end();
  }

  function end(): void {
    running = undefined;
    $('abort').hidden = true;
    progress.hidden = true;
    document.body.dataset.state = 'idle';
  }

  async function run(own: AbortController, text: string, task: (signal: AbortSignal) => Promise<string>) {
    if (running !== own) return;
    document.body.dataset.state = 'busy';
    showStatus(text);
    $('error').hidden = true;
    try {
      await new Promise((resolve) => setTimeout(resolve, 20)); // gives the browser time to show the status
      own.signal.throwIfAborted();
      showStatus(await task(own.signal), 1);
    } catch (error) {
      if (own.signal.aborted) showStatus('Aborted.', 1);
      else showError(error as Error);
    }
    if (running === own) end();
  }

  return {
    showStatus,
    showError,
    abort: () => running?.abort(),
    work(text, task) {
      running?.abort();
      const own = new AbortController();
      running = own;
      last = last.then(() => run(own, text, task));
      return last;
    },
  };
}
