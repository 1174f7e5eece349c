import { Page } from "@/parts";

export function DestinationPage() {
  return <Page title="Destinations">…</Page>;
}
