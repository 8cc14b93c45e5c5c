/** The error for a network that computed invalid numbers. This module is only loaded when that happens. */
import { InputError } from '../../errors.js';

type ByLabel = Readonly<Record<string, number>>;

/**
 * @param heats for each class a value of its heatmap that is not finite, or a finite number if there is none
 * @returns an error for the first kind of output that is wrong: logits, then probabilities, then heatmaps. Wrong logits come first, because
 *   they make the probabilities wrong too.
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
