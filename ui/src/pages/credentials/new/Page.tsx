import { SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { queries } from "@/api/queries";
import { Page, Panel } from "@/parts";
import { AddCredentialForm } from "@/resources/credentials/Form";
import { t as texts } from "@/texts/pages/credentials";
import { t } from "@/texts/resources";

export function NewCredential() {
  const navigate = useNavigate({ from: "/credentials/new" });
  const all = useQuery(queries.kind("credentials"));
  const { connector = "custify" } = useSearch({ from: "/shell/credentials/new" });
  return (
    <Page title={t.kinds.credentials.new} crumbs={[{ label: t.kinds.credentials.title, to: "/credentials" }]} width="text">
      <SegmentedControl
        aria-label={texts.connector}
        value={connector}
        onChange={(input) => void navigate({ search: input === "http" || input === "file" ? { connector: input } : {}, replace: true })}
        data={Object.entries(texts.connectors).map(([value, label]) => ({ value, label }))}
        style={{ alignSelf: "flex-start" }}
      />
      <Panel title={texts.settings}>
        <AddCredentialForm key={connector} connector={connector} taken={all.data?.map((one) => one.name) ?? []} added={(name) => void navigate({ to: "/credentials/$name", params: { name } })} />
      </Panel>
    </Page>
  );
}
