import { Page } from "@/parts";

export function ResponsesPage() {
  return <Page title="Responses">…</Page>;
}
