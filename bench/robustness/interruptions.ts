/** Trials of interruptions: the device is lost, or a call is aborted, while weights are loaded, or while calls wait, compute or are read back. */
import { openGpu } from '../../src/gpu/device.js';
import { type LoadOptions, type Localization, type Localizer, load, type PixelImage } from '../../src/index.js';
import type { WeightsInput } from '../../src/localizer/weights/weights_input.js';
import type { Random } from '../../src/random.js';

export interface Subject {
  readonly weights: WeightsInput;
  readonly options: LoadOptions;
  readonly image: PixelImage;
}

type Outcome = { value: unknown } | { error: unknown };

const outcomeOf = (work: Promise<unknown>): Promise<Outcome> =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function everything(localizer: Localizer, image: PixelImage): Promise<number> {
  let count = 0;
  for await (const _ of localizer.localizeAll([image, image, image], { batch: 2 })) count++;
  return count;
}

/** Milliseconds that some work takes on this machine. Moments of interruptions are drawn from twice this time. */
async function durationOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

const name = (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : String(error));

/**
 * Loses devices repeatedly, in every other round while the weights are loaded, and makes another call afterwards. All calls that fail must
 * fail with the error that `lost` gives.
 * @returns how many calls failed, and which failed with another error.
 */
export async function loseDevices(
  { weights, options, image }: Subject,
  rounds: number,
  random: Random,
): Promise<{ failed: number; wrong: string[] }> {
  const wrong: string[] = [];
  let failed = 0;
  const times = { loading: 0, calls: 0 };
  for (let round = -1; round < rounds; round++) {
    const gpu = await openGpu();
    let localizer: Localizer | undefined;
    const loading = async () => {
      localizer = await load(weights, { ...options, device: gpu.device });
    };
    const calls = () =>
      Promise.all([localizer!.localize(image), localizer!.classify(image), everything(localizer!, image)]);
    if (round < 0) {
      times.loading = await durationOf(loading);
      times.calls = await durationOf(calls);
    } else {
      const outcomes: Promise<Outcome>[] = [];
      if (round % 2 === 0) outcomes.push(outcomeOf(loading()));
      else {
        await loading();
        outcomes.push(
          outcomeOf(localizer!.localize(image)),
          outcomeOf(localizer!.localize(image, { output: 'gpu' })),
          outcomeOf(everything(localizer!, image)),
        );
      }
      await pause(random() * 1.3 * (round % 2 === 0 ? times.loading : times.calls));
      gpu.device.destroy();
      if (localizer) outcomes.push(outcomeOf(localizer.localize(image)));
      const lost = await gpu.lost;
      if (localizer) outcomes.push(outcomeOf(localizer.classify(image)));
      for (const outcome of await Promise.all(outcomes)) {
        if (!('error' in outcome)) continue;
        failed++;
        if (outcome.error !== lost) wrong.push(`round ${round}: ${name(outcome.error)}`);
      }
    }
    await localizer?.close();
    gpu.close();
  }
  return { failed, wrong };
}

/**
 * Repeatedly aborts one of three calls, each time another one at another moment. It must reject at once with the signal's reason. The other
 * calls, and a later one, must give their usual results.
 * @returns how many were aborted, and what went wrong.
 */
export async function abortCalls(
  localizer: Localizer,
  image: PixelImage,
  rounds: number,
  random: Random,
): Promise<{ aborted: number; wrong: string[] }> {
  const wrong: string[] = [];
  let aborted = 0;
  const content = ({ probabilities, logits, findings }: Localization) =>
    JSON.stringify({ probabilities, logits, findings });
  const truth = content(await localizer.localize(image));
  let taken = await durationOf(() => Promise.all([1, 2, 3].map(() => localizer.localize(image))));
  for (let round = 0; round < rounds; round++) {
    const controller = new AbortController();
    const reason = new Error(`round ${round}`);
    const settled: number[] = [];
    const calls = [0, 1, 2].map((place) => {
      const own = place === round % 3 ? { signal: controller.signal } : {};
      return outcomeOf(localizer.localize(image, own)).then((outcome) => {
        settled.push(place);
        return outcome;
      });
    });
    await pause(random() * taken);
    const isThrough = settled.includes(round % 3);
    controller.abort(reason);
    await pause(0);
    if (!settled.includes(round % 3)) wrong.push(`round ${round}: no answer to the abort`);
    for (const [place, outcome] of (await Promise.all(calls)).entries()) {
      const isOwn = place === round % 3;
      if (isOwn && !isThrough) {
        aborted++;
        if (!('error' in outcome) || outcome.error !== reason) wrong.push(`round ${round}: not the signal's reason`);
      } else if ('error' in outcome) wrong.push(`round ${round}: ${name(outcome.error)}`);
      else if (content(outcome.value as Localization) !== truth) wrong.push(`round ${round}: another result`);
    }
    const alone = performance.now();
    if (content(await localizer.localize(image)) !== truth) wrong.push(`round ${round}: another result afterwards`);
    // The machine may have become faster since, and then most aborts would come too late.
    taken = Math.min(taken, 3 * (performance.now() - alone));
  }
  return { aborted, wrong };
}
