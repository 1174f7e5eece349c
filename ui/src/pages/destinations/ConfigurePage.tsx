import { Page } from "@/parts";

export function ConfigurePage() {
  return <Page title="Destinations">…</Page>;
}
