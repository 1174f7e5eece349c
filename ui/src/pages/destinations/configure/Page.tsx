/** Edits a saved destination. The draft is stored in the browser until it is saved. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { ApiError, api, at } from "@/api/client";
import { keys, queries } from "@/api/queries";
import type { Destination, DestinationValue } from "@/api/types";
import { Loaded, Page, Problems, problemsOf, Status, useChange, useValidated } from "@/parts";
import { useDraft } from "@/resources/drafts/draft";
import { settingLabel } from "@/texts/labels";
import { t } from "@/texts/pages/destinations";
import { Configure } from "../Form";
import classes from "../style.module.css";
import type { Draft } from "../form/draft";
import { withoutField } from "../form/problems";
import { tidy } from "../value";
import { RunsWith } from "../form/SchedulePanel";

export function ConfigurePage() {
  const { name } = useParams({ from: "/shell/destinations/$name/configure" });
  const query = useQuery({ ...queries.one("destinations", name), refetchOnWindowFocus: false });
  return (
    <Loaded query={query} height={480}>
      {(destination) => <Editing key={destination.etag} destination={destination} />}
    </Loaded>
  );
}

const isStale = (error: unknown): boolean => error instanceof ApiError && error.stale;

function Editing({ destination }: { destination: Destination }) {
  const { name } = destination;
  const id = `edit.${name}`;
  const navigate = useNavigate();
  const first = useCallback((): Draft => ({ name, value: destination.value, etag: destination.etag }), [name, destination.value, destination.etag]);
  const { draft, change, restored, startOver, touched, drop } = useDraft(id, first);
  const put = (etag?: string) => api.put<Destination>(at`/destinations/${name}`, tidy(draft.value), etag === undefined ? {} : { etag });
  const save = useChange({
    run: () => put(draft.etag ?? undefined),
    overwrite: () => put(),
    conflict: { theirs: async () => (await api.get<Destination>(at`/destinations/${name}`)).value, mine: tidy(draft.value), label: (path) => settingLabel("destinations", path.split(".")), take: startOver },
    done: () => t.steps.saved(name),
    undo: (saved) => api.put(at`/destinations/${name}`, destination.value, { etag: saved.etag }),
    refresh: [keys.kind("destinations"), keys.overview, keys.versions],
    then: () => {
      drop();
      void navigate({ to: "/destinations/$name", params: { name } });
    },
    quiet: true,
  });
  const refused = useMemo(() => (save.isError && !isStale(save.error) ? problemsOf(save.error) : []), [save.isError, save.error]);
  const validated = useValidated();
  const setValue = (value: DestinationValue) => {
    save.reset(); // the problems of the last save may be fixed now
    change((old) => ({ ...old, value }));
  };
  return (
    <Page
      title={name}
      before={<Status of={destination.state.state} />}
      crumbs={[{ label: t.title, to: "/destinations" }]}
      actions={
        <>
          {(restored || touched) && (
            <Button variant="subtle" onClick={startOver}>
              {t.steps.discard}
            </Button>
          )}
          <Button variant="default" onClick={() => void navigate({ to: "/destinations/$name", params: { name } })}>
            {t.steps.back}
          </Button>
          <Button onClick={validated(() => save.mutate())} loading={save.isPending} disabled={!touched}>
            {t.steps.save}
          </Button>
        </>
      }
    >
      {restored && <p className={classes.hint}>{t.steps.restored}</p>}
      <Problems problems={withoutField(refused)} />
      <Configure name={name} onName={null} value={draft.value} refused={refused} onChange={setValue}>
        <RunsWith name={name} />
      </Configure>
    </Page>
  );
}
