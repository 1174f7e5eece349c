import { Page } from "@/parts";

export function VersionsPage() {
  return <Page title="Versions">…</Page>;
}
