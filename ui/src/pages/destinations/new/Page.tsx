/** The page of a new destination, in steps: connector, credential, configuration. */
import { Button, Select, Stepper, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { memo, useCallback, useEffect, useMemo } from "react";
import { api } from "@/api/client";
import { keys, queries } from "@/api/queries";
import type { Destination, DestinationValue } from "@/api/types";
import { Empty, Loaded, Page, Panel, Problems, problemsOf, toastFailure, useChange, useValidated } from "@/parts";
import { useDraft } from "@/resources/drafts/draft";
import { freeName } from "@/resources/names";
import { t } from "@/texts/pages/destinations";
import { Configure } from "../Form";
import { CredentialStep } from "./CredentialStep";
import classes from "../style.module.css";
import { type Step, STEPS } from "../search";
import type { Draft } from "../form/draft";
import { withoutField } from "../form/problems";
import { ofConnector, tidy } from "../value";
import { runWhen, When } from "../form/SchedulePanel";

export function NewDestination() {
  const search = useSearch({ from: "/shell/destinations/new" });
  const navigate = useNavigate();
  const step = search.step ?? "connector";
  const first = useCallback(
    (): Draft => ({ name: "", value: { dataset: search.dataset ?? "", credential: "" }, etag: null }),
    [search.dataset],
  );
  const { draft, change, restored, startOver, drop } = useDraft("new", first);
  const destinations = useQuery(queries.kind("destinations"));
  useEffect(() => {
    const { dataset } = search;
    if (dataset !== undefined && draft.value.dataset !== dataset) change((old) => ({ ...old, value: { ...old.value, dataset } }));
    // only when the dataset in the address changes
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [search.dataset]);
  const go = useCallback((to: Step) => void navigate({ to: "/destinations/new", search: (old) => ({ ...old, step: to }) }), [navigate]);
  const setValue = (value: DestinationValue) => {
    save.reset(); // the problems of the last save may be fixed now
    change((old) => ({ ...old, value }));
  };
  const setWhen = useCallback((when: Draft["when"]) => change((old) => ({ ...old, when })), [change]);
  const suggested = useMemo(
    () => freeName(draft.value.template?.replace(/^(upsert|insert|create|send)_/, "") ?? draft.value.dataset, destinations.data?.map((one) => one.name) ?? []),
    [draft.value.template, draft.value.dataset, destinations.data],
  );
  const name = draft.name || suggested;
  const save = useChange({
    run: async () => {
      const made = await api.post<Destination>("/destinations", { name, value: tidy(draft.value) });
      await runWhen(draft.when, made.name).catch(toastFailure); // the destination is saved, its flow is not
      return made;
    },
    done: (made) => t.steps.savedDraft(made.name),
    refresh: [keys.kind("destinations"), keys.kind("flows"), keys.overview, keys.versions],
    then: (made) => {
      drop();
      void navigate({ to: "/destinations/$name", params: { name: made.name } });
    },
    quiet: true,
  });
  const refused = useMemo(() => (save.isError ? problemsOf(save.error) : []), [save.isError, save.error]);
  const validated = useValidated();
  const at = STEPS.indexOf(step);
  const done = step === "configure" && (
    <Button onClick={validated(() => save.mutate())} loading={save.isPending} disabled={draft.value.template === undefined && draft.value.request === undefined && !draft.value.path}>
      {t.steps.done}
    </Button>
  );
  return (
    <Page
      title={t.create}
      crumbs={[{ label: t.title, to: "/destinations" }]}
      actions={
        <>
          {restored && (
            <Button variant="subtle" onClick={startOver}>
              {t.steps.discard}
            </Button>
          )}
          {at > 0 && (
            <Button variant="default" onClick={() => go(STEPS[at - 1] ?? "connector")}>
              {t.steps.back}
            </Button>
          )}
          {done}
        </>
      }
      below={<Steps at={at} go={go} />}
    >
      {restored && <p className={classes.hint}>{t.steps.restored}</p>}
      <Problems problems={withoutField(refused)} />
      {step === "connector" && <ConnectorStep draft={draft} change={change} next={() => go("credential")} />}
      {step === "credential" && (
        <Panel title={draft.connector === "file" ? t.steps.chooseFolder : t.steps.chooseCredential}>
          <CredentialStep
            connector={draft.connector ?? "custify"}
            chosen={draft.value.credential}
            onChoose={(credential) => {
              change((old) => ({ ...old, value: ofConnector(old.connector, { ...old.value, credential }) }));
              go("configure");
            }}
          />
        </Panel>
      )}
      {step === "configure" && (
        <Configure name={name} onName={(typed) => change((old) => ({ ...old, name: typed }))} value={draft.value} refused={refused} onChange={setValue}>
          <When when={draft.when} onChange={setWhen} />
        </Configure>
      )}
    </Page>
  );
}

const Steps = memo(function Steps({ at, go }: { at: number; go: (to: Step) => void }) {
  return (
    <Stepper active={at} onStepClick={(to) => go(STEPS[to] ?? "connector")} size="xs" iconSize={24} allowNextStepsSelect={false}>
      {STEPS.map((one) => (
        <Stepper.Step key={one} label={t.steps[one]} />
      ))}
    </Stepper>
  );
});

function ConnectorStep({ draft, change, next }: { draft: Draft; change: (next: (draft: Draft) => Draft) => void; next: () => void }) {
  const datasets = useQuery(queries.kind("datasets"));
  const choose = (connector: Draft["connector"]) => {
    change((old) => ({ ...old, connector, value: { ...old.value, credential: old.connector === connector ? old.value.credential : "" } }));
    next();
  };
  return (
    <>
      <Panel title={t.steps.dataset}>
        <Loaded query={datasets} height={60}>
          {(all) =>
            all.length === 0 ? (
              <Empty
                compact
                title={t.steps.noDatasets}
                actions={
                  <Button component={Link} to="/datasets/new" variant="default">
                    {t.steps.newDataset}
                  </Button>
                }
              >
                {t.steps.noDatasetsHint}
              </Empty>
            ) : (
              <Select
                aria-label={t.steps.dataset}
                description={t.steps.datasetHint}
                data={[...new Set([...all.map((one) => one.name), draft.value.dataset])].filter((one) => one !== "")}
                value={draft.value.dataset || null}
                searchable
                allowDeselect={false}
                onChange={(dataset) => dataset && change((old) => ({ ...old, value: { ...old.value, dataset } }))}
              />
            )
          }
        </Loaded>
      </Panel>
      <Panel title={t.steps.connector}>
        <div className={classes.tiles}>
          {(["custify", "http", "file"] as const).map((one) => (
            <UnstyledButton key={one} className={classes.card} data-chosen={draft.connector === one} disabled={draft.value.dataset === ""} onClick={() => choose(one)}>
              <b>{t.steps[one]}</b>
              <span>{t.steps.connectorHints[one]}</span>
            </UnstyledButton>
          ))}
        </div>
      </Panel>
    </>
  );
}
