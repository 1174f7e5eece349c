import { Page } from "@/parts";

export function SourcesPage() {
  return <Page title="Sources">…</Page>;
}
