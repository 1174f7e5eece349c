/** Waits for the user to sign in again after the session ended. Open pages stay as they are; their requests are repeated afterwards. */

let waiting: { promise: Promise<boolean>; settle: (back: boolean) => void } | null = null;
const listeners = new Set<() => void>();

export const signedOut = {
  /** Resolves when the user has signed in again. All waiting requests share one promise. */
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
