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

/**
 * An object of a class that nothing here knows: what it was made of, and its attributes. Nothing of the class is imported or run, so a record
 * is all that is ever made of it.
 */
export class PyRecord extends PyObject {
  /** Items, of a class that is a list. Those of a class that is a dict stand among the attributes. */
  readonly items: unknown[] = [];

  constructor(
    /** Module and name of the class. */
    readonly type: string,
    /** The arguments that its constructor was given. */
    readonly args: readonly unknown[],
  ) {
    super();
  }

  /** A state is a dict of attributes, or that and another one for a class with slots. */
  override setState(state: unknown): void {
    for (const part of Array.isArray(state) && state.length === 2 ? state : [state]) super.setState(part);
  }
}
