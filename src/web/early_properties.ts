/**
 * Properties that a page has set before the file that defines an element was loaded are stored on the object itself, and hide the accessors of
 * the class. They are deleted and set again.
 */
export function takeEarlyProperties(element: HTMLElement, names: readonly string[]): void {
  const self = element as unknown as Record<string, unknown>;
  for (const name of names) {
    if (!Object.hasOwn(self, name)) continue;
    const value = self[name];
    delete self[name];
    self[name] = value;
  }
}
