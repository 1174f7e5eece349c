import { Page } from "@/parts";

export function RunPage() {
  return <Page title="Runs">…</Page>;
}
