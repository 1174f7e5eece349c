/** Whether the service answers. While it does not, one banner is shown, and `/healthz` is requested every two seconds. */

type Listener = () => void;

const listeners = new Set<Listener>();
const returned = new Set<Listener>();
let answering = true;
let timer: ReturnType<typeof setTimeout> | undefined;

function report(now: boolean): void {
  if (now === answering) return;
  answering = now;
  for (const listener of listeners) listener();
  if (now) for (const listener of returned) listener();
}

async function look(): Promise<void> {
  try {
    const reply = await fetch("/healthz", { cache: "no-store" });
    if (reply.ok) return report(true);
  } catch {
    // still no reply: try again
  }
  timer = setTimeout(() => void look(), 2000);
}

export const connection = {
  lost(): void {
    if (!answering) return;
    report(false);
    clearTimeout(timer);
    timer = setTimeout(() => void look(), 1000);
  },
  found(): void {
    clearTimeout(timer);
    report(true);
  },
  lookNow(): void {
    clearTimeout(timer);
    void look();
  },
  isAnswering: (): boolean => answering,
  subscribe(listener: Listener): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  onReturn(listener: Listener): () => void {
    returned.add(listener);
    return () => returned.delete(listener);
  },
};
