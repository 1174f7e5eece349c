import { Page } from "@/parts";

export function DatasetsPage() {
  return <Page title="Datasets">…</Page>;
}
