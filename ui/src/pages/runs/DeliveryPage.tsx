import { Page } from "@/parts";

export function DeliveryPage() {
  return <Page title="Runs">…</Page>;
}
