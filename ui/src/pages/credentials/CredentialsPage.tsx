import { Page } from "@/parts";

export function CredentialsPage() {
  return <Page title="Credentials">…</Page>;
}
