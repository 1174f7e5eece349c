import { Page } from "@/parts";

export function FlowsPage() {
  return <Page title="Flows">…</Page>;
}
