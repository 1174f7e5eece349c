import { Page } from "@/parts";

export function NewDataset() {
  return <Page title="Datasets">…</Page>;
}
