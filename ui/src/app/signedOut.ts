/** The session ended while pages were open: they stay as they are, and what they asked waits until the person is back. */

let waiting: { promise: Promise<boolean>; settle: (back: boolean) => void } | null = null;
const listeners = new Set<() => void>();

export const signedOut = {
  /** Resolves once the person has signed in again; many requests wait for the same. */
  ask(): Promise<boolean> {
    if (waiting === null) {
      let settle: (back: boolean) => void = () => {};
      const promise = new Promise<boolean>((resolve) => {
        settle = resolve;
      });
      waiting = { promise, settle };
      for (const listener of listeners) listener();
    }
    return waiting.promise;
  },
  settle(back: boolean): void {
    const done = waiting;
    waiting = null;
    done?.settle(back);
    for (const listener of listeners) listener();
  },
  isAsking: (): boolean => waiting !== null,
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
