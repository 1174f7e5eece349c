import { Page } from "@/parts";

export function CredentialPage() {
  return <Page title="Credentials">…</Page>;
}
