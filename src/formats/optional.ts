/** Loads optional packages. */
import { InputError } from '../errors.js';

/** Loads a package that only some users need. @throws InputError with the name of the package if it cannot be loaded */
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
