/** One version: what it changed, what changed since, its settings, and a button that restores it. */
import { Button, SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { api, at } from "@/api/client";
import { keys } from "@/api/queries";
import type { AppliedProject, Project, WholeVersion } from "@/api/types";
import { confirm, Loaded, Page, Time, toastFailure, useChange } from "@/parts";
import { t } from "@/texts/pages/versions";
import { placeText } from "@/texts/service";
import { differences, resourcesOf } from "./differences/project";
import { Changes, Resources } from "./differences/Tables";
import { type View, VIEWS } from "./search";

const one = (version: string) => ({ queryKey: [...keys.versions, version], queryFn: ({ signal }: { signal: AbortSignal }) => api.get<WholeVersion>(at`/versions/${version}`, { signal }) });

export function VersionPage() {
  const { version } = useParams({ from: "/shell/versions/$version" });
  const { view = "changes" } = useSearch({ from: "/shell/versions/$version" });
  const navigate = useNavigate({ from: "/versions/$version" });
  const query = useQuery(one(version));
  const restore = useChange({
    run: () => api.post(at`/versions/${version}/roll-back`, { only: null }),
    done: () => t.done(Number(version)),
    refresh: [keys.versions, keys.overview, keys.kind("destinations"), keys.kind("sources"), keys.kind("datasets"), keys.kind("credentials"), keys.kind("flows")],
    then: () => void navigate({ to: "/versions" }),
  });
  const confirmRestore = async (settings: string) => {
    try {
      const would = await api.put<AppliedProject>("/project", { yaml: settings }, { query: { dry_run: true } });
      const consequence = t.backText(Number(version), would.changes.map((change) => placeText(change.path)));
      if (await confirm({ title: t.backTitle(Number(version)), consequence, verb: t.back, tone: "plain" })) restore.mutate();
    } catch (error) {
      toastFailure(error);
    }
  };
  return (
    <Page
      title={`${t.version} ${version}`}
      crumbs={[{ label: t.title, to: "/versions" }]}
      description={
        query.data && (
          <>
            {query.data.author} · <Time at={query.data.at} />
          </>
        )
      }
      actions={
        <Button variant="default" onClick={() => query.data && void confirmRestore(query.data.yaml)} loading={restore.isPending} disabled={query.data === undefined}>
          {t.back}
        </Button>
      }
      below={
        <SegmentedControl
          aria-label={t.view}
          value={view}
          onChange={(chosen) => void navigate({ search: { view: chosen as View }, replace: true })}
          data={VIEWS.map((name) => ({ value: name, label: t.views[name] }))}
        />
      }
    >
      <Loaded query={query} height={360}>
        {(found) =>
          view === "settings" ? (
            <Resources resources={resourcesOf(found.yaml)} />
          ) : view === "since" ? (
            <Since settings={found.yaml} />
          ) : (
            <WhatChanged version={Number(version)} settings={found.yaml} />
          )
        }
      </Loaded>
    </Page>
  );
}

/** The differences from the version before; the first version is compared with nothing. */
function WhatChanged({ version, settings }: { version: number; settings: string }) {
  const before = useQuery({ ...one(String(version - 1)), enabled: version > 1 });
  if (version <= 1) return <Changes changes={differences("", settings)} />;
  return (
    <Loaded query={before} height={320}>
      {(found) => <Changes changes={differences(found.yaml, settings)} />}
    </Loaded>
  );
}

function Since({ settings }: { settings: string }) {
  const now = useQuery({ queryKey: [...keys.versions, "now"], queryFn: ({ signal }) => api.get<Project>("/project", { signal }) });
  return (
    <Loaded query={now} height={320}>
      {(found) => <Changes changes={differences(settings, found.yaml)} />}
    </Loaded>
  );
}
