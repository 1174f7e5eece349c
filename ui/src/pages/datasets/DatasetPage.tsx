import { Page } from "@/parts";

export function DatasetPage() {
  return <Page title="Datasets">…</Page>;
}
