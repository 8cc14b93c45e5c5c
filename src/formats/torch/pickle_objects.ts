/** JavaScript objects that stand for the Python classes, functions and objects in a pickle. */

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
 * An object of a class that raybox does not know: the arguments of its constructor, and its attributes. No code of the class is imported or
 * run.
 */
export class PyRecord extends PyObject {
  /** The items, if the class is a list. If it is a dict, its items are among the attributes. */
  readonly items: unknown[] = [];

  constructor(
    /** Module and name of the class. */
    readonly type: string,
    /** The arguments that its constructor was given. */
    readonly args: readonly unknown[],
  ) {
    super();
  }

  /** A state is a dict of attributes or, for a class with slots, a pair of two such dicts. */
  override setState(state: unknown): void {
    for (const part of Array.isArray(state) && state.length === 2 ? state : [state]) super.setState(part);
  }
}
