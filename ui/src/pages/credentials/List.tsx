import { IconKey } from "@tabler/icons-react";
import type { Credential } from "@/api/types";
import { Status } from "@/parts";
import { ResourceList } from "@/resources/List";
import { t } from "@/texts/resources";

export function CredentialsPage() {
  return (
    <ResourceList<Credential & { value: Record<string, unknown>; state: Record<string, unknown> }>
      kind="credentials"
      icon={IconKey}
      columns={[
        { id: "type", header: t.columns.type, width: 120, cell: (row) => row.value.connector ?? "custify" },
        { id: "base", header: t.columns.base, cell: (row) => <span className="mono">{row.value.path ?? row.state.check?.base_url ?? row.value.base_url ?? "auto"}</span> },
        { id: "check", header: t.columns.check, width: 220, cell: (row) => (row.state.check ? <Status of={row.state.check.ok ? "ok" : "error"} label={row.state.check.ok ? row.state.check.dialect ?? "ok" : row.state.check.reason} /> : <span className="muted">{t.never}</span>) },
      ]}
    />
  );
}
