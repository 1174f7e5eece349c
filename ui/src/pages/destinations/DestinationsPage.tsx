import { Page } from "@/parts";

export function DestinationsPage() {
  return <Page title="Destinations">…</Page>;
}
