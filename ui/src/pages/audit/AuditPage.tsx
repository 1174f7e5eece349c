import { Page } from "@/parts";

export function AuditPage() {
  return <Page title="Audit">…</Page>;
}
