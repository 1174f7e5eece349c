import { Page } from "@/parts";

export function NewDestination() {
  return <Page title="Destinations">…</Page>;
}
