/** The bench page: starts and ends the worker, shows what it has found, and saves it. */
import { fileNameFrom, shared } from '../collected/shared.js';
import { formatRoofs, type Results, type Row } from '../results.js';
import { formatVerification } from '../verification.js';
import type { Message, Request } from './worker.js';

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const form = element<HTMLFormElement>('settings');
const [start, abort, save] = ['start', 'abort', 'save'].map((id) => element<HTMLButtonElement>(id));
const progress = element<HTMLProgressElement>('progress');

let worker: Worker | undefined;
let results: Results | undefined;
let lock: WakeLockSentinel | undefined;

/** The address may set the form: `?words=softmax&parts=verify&minutes=2&effort=thorough`. */
function readAddress(): void {
  const given = new URLSearchParams(location.search);
  const parts = given.get('parts')?.split(',');
  for (const box of form.querySelectorAll<HTMLInputElement>('[type=checkbox]'))
    if (parts) box.checked = parts.includes(box.name);
  for (const name of ['words', 'minutes', 'effort']) {
    const value = given.get(name);
    const field = form.elements.namedItem(name) as HTMLInputElement | RadioNodeList;
    if (value !== null) field.value = value;
  }
}

function request(): Request {
  const data = new FormData(form);
  return {
    parts: (['verify', 'operations', 'networks'] as const).filter((name) => data.has(name)),
    words: String(data.get('words')).toLowerCase().split(/\s+/).filter(Boolean),
    minutes: Number(data.get('minutes')),
    quick: data.get('effort') === 'quick',
  };
}

function show(text: string, error?: string): void {
  element('status-text').textContent = text;
  element('error').hidden = error === undefined;
  element('error-text').textContent = error ?? '';
}

function run(): void {
  end();
  results = undefined;
  showResults();
  document.body.dataset.state = 'running';
  worker = new Worker('bench_worker.js', { type: 'module' });
  worker.onmessage = ({ data }: MessageEvent<Message>) => take(data);
  worker.onerror = ({ message }) => finish('Stopped.', message || 'the worker could not be started');
  worker.postMessage(request());
  navigator.wakeLock?.request('screen').then(
    (sentinel) => {
      if (worker) lock = sentinel;
      else sentinel.release();
    },
    () => {}, // a screen that goes dark is no error
  );
  [start.disabled, abort.hidden, progress.hidden] = [true, false, false];
  show('Starting…');
}

function take(message: Message): void {
  if (message.kind === 'progress') {
    const { text, done, all } = message;
    show(all > 0 ? `${text} (${done} of ${all})` : text);
    if (all > 0) [progress.value, progress.max] = [done, all];
    else progress.removeAttribute('value');
  } else if (message.kind === 'results') {
    results = message.results;
    showResults();
  } else if (message.kind === 'done') finish('Done.');
  else finish('Stopped.', message.message);
}

/** Ends the worker, and with it whatever the GPU was given by it. */
function end(): void {
  worker?.terminate();
  worker = undefined;
  lock?.release();
  lock = undefined;
}

function finish(text: string, error?: string): void {
  end();
  [start.disabled, abort.hidden, progress.hidden] = [false, true, true];
  show(text, error);
  document.body.dataset.state = error === undefined ? 'done' : 'failed';
}

const number = (value: number | undefined) =>
  value === undefined ? '' : value >= 1000 ? value.toFixed(0) : value.toPrecision(3);

function showResults(): void {
  const { adapter, verification, roofs, rows = [] } = results ?? {};
  save.disabled = !verification && rows.length === 0;
  element('adapter').hidden = !adapter;
  element('adapter').textContent = adapter ? `${adapter.name}${adapter.software ? ' (software)' : ''}` : '';
  element('verification').hidden = !verification;
  if (verification) {
    const [first, ...failures] = formatVerification(verification).split('\n');
    element('verified').textContent = first;
    element('failures').replaceChildren(...failures.map((text) => made('li', text)));
  }
  element('roofs').hidden = !roofs;
  if (roofs) element('roofs-text').textContent = formatRoofs(roofs).replace(/^roofs: /, '');
  element('timed').hidden = rows.length === 0;
  document.querySelector('#rows tbody')!.replaceChildren(...rows.map(lineOf));
}

function made(name: string, text: string): HTMLElement {
  const node = document.createElement(name);
  node.textContent = text;
  return node;
}

function lineOf({ label, type, variant, failure, medianMs, gflops, gbs, share }: Row): HTMLElement {
  const line = document.createElement('tr');
  line.append(...[label, type, variant].map((text) => made('td', text)));
  if (failure !== undefined) {
    const cell = made('td', failure.split('\n')[0]) as HTMLTableCellElement;
    [cell.className, cell.colSpan] = ['failed', 4];
    line.append(cell);
  } else {
    const percent = share === undefined ? '' : `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
    line.append(...[number(medianMs), number(gflops), number(gbs), percent].map((text) => made('td', text)));
  }
  return line;
}

function download(): void {
  const content = shared(results!);
  const blob = new Blob([`${JSON.stringify(content, undefined, 1)}\n`], { type: 'application/json' });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = `${fileNameFrom(content.adapter.name)}-${content.date}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

readAddress();
form.addEventListener('submit', (event) => {
  event.preventDefault();
  run();
});
abort.addEventListener('click', () => finish('Aborted. What was measured before can be saved.'));
save.addEventListener('click', download);
if (!('gpu' in navigator)) {
  show('Nothing can run here.', 'This browser has no WebGPU, or the page came neither over https nor from localhost.');
  start.disabled = true;
}
