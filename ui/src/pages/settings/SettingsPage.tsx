import { Page } from "@/parts";

export function SettingsPage() {
  return <Page title="Settings">…</Page>;
}
