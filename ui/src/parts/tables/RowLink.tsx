/** A link in a table row: a plain anchor, since a scrolling list renders thousands of them. */
import { useRouter } from "@tanstack/react-router";
import type { MouseEvent, ReactNode } from "react";

export function RowLink({ to, className, children }: { to: string; className?: string; children: ReactNode }) {
  const router = useRouter();
  const go = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return; // the browser handles these
    event.preventDefault();
    void router.navigate({ href: to });
  };
  return (
    <a href={to} className={className} onClick={go}>
      {children}
    </a>
  );
}
