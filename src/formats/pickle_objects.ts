/** What stands for the classes, functions and objects of Python that a pickle names. */

/** A name that a pickle refers to: a class, a function or a constant. */
export class PyGlobal {
  constructor(
    readonly name: string,
    readonly call?: (args: unknown[]) => unknown,
  ) {}
}

/** A Python object as a map of its attributes. Subclasses can read a state of another form. */
export class PyObject extends Map<unknown, unknown> {
  /** Called when the pickle sets the state of the object. */
  setState(state: unknown): void {
    if (state instanceof Map) for (const [name, value] of state) this.set(name, value);
  }
}
