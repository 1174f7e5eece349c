import { Page } from "@/parts";

export function NewSource() {
  return <Page title="Sources">…</Page>;
}
