import { Page } from "@/parts";

export function SourcePage() {
  return <Page title="Sources">…</Page>;
}
