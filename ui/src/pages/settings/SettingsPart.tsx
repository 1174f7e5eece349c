import { Page } from "@/parts";

export function SettingsPart() {
  return <Page title="Settings">…</Page>;
}
