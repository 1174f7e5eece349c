import { Page } from "@/parts";

export function RunsPage() {
  return <Page title="Runs">…</Page>;
}
