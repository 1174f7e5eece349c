import { Page } from "@/parts";

export function ResponsePage() {
  return <Page title="Responses">…</Page>;
}
