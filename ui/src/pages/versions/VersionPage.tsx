import { Page } from "@/parts";

export function VersionPage() {
  return <Page title="Versions">…</Page>;
}
