/** Why what a network computed is no result. Loaded when it happens. */
import { InputError } from '../errors.js';

type ByLabel = Readonly<Record<string, number>>;

/**
 * @param heats of each class a value of its heatmap that is not finite, where there is one
 * @returns the first of what is wrong: logits, which spoil all that follows from them, then probabilities, then heatmaps
 */
export function wrongResults(
  classes: readonly string[],
  logits: ByLabel,
  probabilities: ByLabel,
  heats: readonly number[],
  isProbability: (value: number) => boolean,
): InputError {
  const listed = (values: readonly number[], isRight: (value: number) => boolean) => {
    const wrong = [...classes.keys()].filter((place) => !isRight(values[place]));
    return {
      labels: wrong.map((place) => classes[place]).join(', '),
      given: wrong.map((place) => values[place]).join(', '),
    };
  };
  const finite = Number.isFinite as (value: number) => boolean;
  const large = "the weights hold values that are too large or no numbers; in precision 'f16', try 'f32'";
  const raw = listed(
    classes.map((label) => logits[label]),
    finite,
  );
  if (raw.labels)
    return new InputError(`the network computed no number for ${raw.labels}`, {
      expected: 'finite logits',
      given: raw.given,
      hint: large,
    });
  const scores = listed(
    classes.map((label) => probabilities[label]),
    isProbability,
  );
  if (scores.labels)
    return new InputError(`the network computed no probability for ${scores.labels}`, {
      expected: 'numbers from 0 to 1',
      given: scores.given,
      hint: "a network's probabilities are the sigmoid of its logits, or another function of them from 0 to 1",
    });
  return new InputError(`the network computed no heatmap for ${listed(heats, finite).labels}`, {
    expected: 'finite values at all positions',
    hint: large,
  });
}
