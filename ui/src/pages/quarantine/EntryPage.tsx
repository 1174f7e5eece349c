import { Page } from "@/parts";

export function EntryPage() {
  return <Page title="Quarantine">…</Page>;
}
