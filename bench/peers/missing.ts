/** Thrown if an engine is not installed, or does not go with the machine or the task: it is left out rather than wrong. */
export class MissingEngine extends Error {
  override name = 'MissingEngine';
}
