/** One version: what it changed, the project as it was then, and the way back to it. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { api, at } from "@/api/client";
import { keys } from "@/api/queries";
import { Code, confirm, Loaded, Page, Panel, Time, useChange } from "@/parts";
import { t as words } from "@/texts/resources";
import { t } from "@/texts/watch";
import type { Version } from "./VersionsPage";

export function VersionPage() {
  const { version } = useParams({ from: "/shell/versions/$version" });
  const navigate = useNavigate();
  const query = useQuery({ queryKey: [...keys.versions, version], queryFn: ({ signal }) => api.get<Version & { yaml: string }>(at`/versions/${version}`, { signal }) });
  const back = useChange({
    run: () => api.post(at`/versions/${version}/roll-back`, { only: null }),
    done: () => t.versions.done(Number(version)),
    refresh: [keys.versions, keys.overview, keys.kind("destinations"), keys.kind("sources"), keys.kind("datasets"), keys.kind("credentials"), keys.kind("flows")],
    then: () => void navigate({ to: "/versions" }),
  });
  const ask = async () => {
    if (await confirm({ title: t.versions.backTitle(Number(version)), consequence: t.versions.backText(Number(version)), verb: t.versions.back, tone: "plain" })) back.mutate();
  };
  return (
    <Page
      title={`${t.versions.version} ${version}`}
      crumbs={[{ label: t.versions.title, to: "/versions" }]}
      actions={
        <Button variant="default" onClick={() => void ask()} loading={back.isPending}>
          {t.versions.back}
        </Button>
      }
    >
      <Loaded query={query} height={360}>
        {(found) => (
          <>
            <Panel title={t.versions.changes}>
              <p className="muted" style={{ marginTop: 0 }}>
                {found.author} · <Time at={found.at} />
              </p>
              <ul style={{ margin: 0, paddingLeft: 18 }}>
                {found.changes.map((change) => (
                  <li key={change.path} style={{ overflowWrap: "anywhere" }}>
                    <code>{change.path}</code> {words.versions.sign[change.change] ?? change.change}
                    {change.before !== null && <> · {t.versions.before}: <span className="mono">{change.before}</span></>}
                    {change.after !== null && <> · {t.versions.after}: <span className="mono">{change.after}</span></>}
                  </li>
                ))}
              </ul>
            </Panel>
            <Panel title={t.versions.project}>
              <Code value={found.yaml} language="yaml" label={t.versions.project} readOnly maxHeight={520} />
            </Panel>
          </>
        )}
      </Loaded>
    </Page>
  );
}
