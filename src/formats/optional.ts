import { InputError } from '../errors.js';

/** Loads a package that only some users need. Throws an InputError that names it where it is not installed. */
export async function loadOptional<T>(name: string, purpose: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new InputError(`${purpose} needs the package '${name}', which did not load`, {
      hint: `npm install ${name}`,
      cause,
    });
  }
}
