/** People and alerts. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { everything } from "@/api/queries";
import { Code, type Col, DataTable, Empty, Loaded, Page, Panel, Problems, problemsOf, useChange } from "@/parts";
import { t } from "@/texts/watch";

interface Someone {
  name: string;
  role: string;
}

export function SettingsPage() {
  const people = useQuery({ queryKey: ["people"], queryFn: ({ signal }) => everything<Someone>("/people", {}, signal) });
  const alerts = useQuery({ queryKey: ["settings", "alerts"], queryFn: ({ signal }) => api.get<Record<string, unknown>>("/settings/alerts", { signal }) });
  const columns: Col<Someone>[] = [
    { id: "name", header: t.settings.name, cell: (row) => row.name },
    { id: "role", header: t.settings.role, width: 160, cell: (row) => row.role },
  ];
  return (
    <Page title={t.settings.title}>
      <Panel title={t.settings.people} flush>
        <Loaded query={people} height={80}>
          {(all) => <DataTable label={t.settings.people} rows={all} columns={columns} rowKey={(row) => row.name} height={300} empty={<Empty compact title={t.settings.none} />} />}
        </Loaded>
      </Panel>
      <Loaded query={alerts} height={240}>
        {(document) => <Alerts document={document} />}
      </Loaded>
    </Page>
  );
}

function Alerts({ document }: { document: Record<string, unknown> }) {
  const before = JSON.stringify(document, null, 2);
  const [text, setText] = useState(before);
  const save = useChange({ run: () => api.put("/settings/alerts", JSON.parse(text)), done: () => t.settings.saved, refresh: [["settings", "alerts"]], quiet: true });
  return (
    <Panel
      title={t.settings.alerts}
      actions={
        <Button variant="default" disabled={text === before} loading={save.isPending} onClick={() => save.mutate()}>
          {t.settings.save}
        </Button>
      }
    >
      {save.isError && <Problems problems={problemsOf(save.error)} />}
      <Code value={text} language="json" label={t.settings.alerts} lines onChange={setText} maxHeight={480} />
    </Panel>
  );
}
