import { Page } from "@/parts";

export function QuarantinePage() {
  return <Page title="Quarantine">…</Page>;
}
