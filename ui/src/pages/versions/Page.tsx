/** One version: what it changed, the project as it was then, and the way back to it. */
import { Button, SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { api, at } from "@/api/client";
import { keys } from "@/api/queries";
import type { AppliedProject, Project, WholeVersion } from "@/api/types";
import { Code, confirm, Diff, Loaded, Loading, Page, Panel, Time, toastFailure, useChange } from "@/parts";
import { t } from "@/texts/pages/versions";
import { placeText } from "@/texts/service";
import { type View, VIEWS } from "./search";

const one = (version: string) => ({ queryKey: [...keys.versions, version], queryFn: ({ signal }: { signal: AbortSignal }) => api.get<WholeVersion>(at`/versions/${version}`, { signal }) });

export function VersionPage() {
  const { version } = useParams({ from: "/shell/versions/$version" });
  const navigate = useNavigate();
  const query = useQuery(one(version));
  const back = useChange({
    run: () => api.post(at`/versions/${version}/roll-back`, { only: null }),
    done: () => t.done(Number(version)),
    refresh: [keys.versions, keys.overview, keys.kind("destinations"), keys.kind("sources"), keys.kind("datasets"), keys.kind("credentials"), keys.kind("flows")],
    then: () => void navigate({ to: "/versions" }),
  });
  const ask = async () => {
    const yaml = query.data?.yaml;
    if (yaml === undefined) return;
    try {
      const would = await api.put<AppliedProject>("/project", { yaml }, { query: { dry_run: true } });
      const consequence = t.backText(Number(version), would.changes.map((change) => placeText(change.path)));
      if (await confirm({ title: t.backTitle(Number(version)), consequence, verb: t.back, tone: "plain" })) back.mutate();
    } catch (error) {
      toastFailure(error);
    }
  };
  return (
    <Page
      title={`${t.version} ${version}`}
      crumbs={[{ label: t.title, to: "/versions" }]}
      actions={
        <Button variant="default" onClick={() => void ask()} loading={back.isPending} disabled={query.data === undefined}>
          {t.back}
        </Button>
      }
    >
      <Loaded query={query} height={360}>
        {(found) => (
          <>
            <Panel title={t.changes}>
              <p className="muted" style={{ marginTop: 0 }}>
                {found.author} · <Time at={found.at} />
              </p>
              <ul style={{ margin: 0, paddingLeft: 18 }}>
                {found.changes.map((change) => (
                  <li key={change.path} style={{ overflowWrap: "anywhere" }}>
                    <code>{placeText(change.path)}</code> {t.sign[change.change] ?? change.change}
                    {change.before !== null && <> · {t.before}: <span className="mono">{change.before}</span></>}
                    {change.after !== null && <> · {t.after}: <span className="mono">{change.after}</span></>}
                  </li>
                ))}
              </ul>
            </Panel>
            <ProjectPanel version={Number(version)} yaml={found.yaml} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function ProjectPanel({ version, yaml }: { version: number; yaml: string }) {
  const { view = version > 1 ? "before" : "then" } = useSearch({ from: "/shell/versions/$version" });
  const navigate = useNavigate({ from: "/versions/$version" });
  return (
    <Panel
      title={t.project}
      actions={
        <SegmentedControl
          aria-label={t.project}
          value={view}
          onChange={(said) => void navigate({ search: { view: said as View }, replace: true })}
          data={VIEWS.filter((way) => way !== "before" || version > 1).map((way) => ({ value: way, label: t.views[way] }))}
        />
      }
    >
      {view === "then" ? <Code value={yaml} language="yaml" label={t.project} readOnly maxHeight={520} /> : <Against key={view} view={view} version={version} yaml={yaml} />}
    </Panel>
  );
}

function Against({ view, version, yaml }: { view: "before" | "now"; version: number; yaml: string }) {
  const before = useQuery({ ...one(String(version - 1)), enabled: view === "before" });
  const now = useQuery({ queryKey: [...keys.versions, "now"], queryFn: ({ signal }) => api.get<Project>("/project", { signal }), enabled: view === "now" });
  return (
    <Loaded query={(view === "before" ? before : now) as typeof now} meanwhile={<Loading height={320} />}>
      {(other) =>
        other.yaml === yaml ? (
          <p className="muted">{t.same}</p>
        ) : (
          <Diff before={view === "before" ? other.yaml : yaml} after={view === "before" ? yaml : other.yaml} language="yaml" label={t.views[view]} maxHeight={520} />
        )
      }
    </Loaded>
  );
}
