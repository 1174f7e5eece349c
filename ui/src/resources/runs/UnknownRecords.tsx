/** The unknown records of a destination: finds out from the API what became of them, and shows what was found. */
import { Button, Progress } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, at } from "@/api/client";
import { keys, queries } from "@/api/queries";
import { OUTCOMES, type Destination, type Items, type QuarantineEntry, type Run } from "@/api/types";
import { Panel, Problems, useChange } from "@/parts";
import { t as texts } from "@/texts/pages/quarantine";
import { plainText } from "@/texts/service";
import { useProgress } from "./progress";

const t = texts.unknown;
const LIVE = new Set(["queued", "running"]);
const SHOWN_FINDINGS = 100; // records whose findings are read

export function UnknownRecords({ destination: name }: { destination: string }) {
  const destination = useQuery(queries.one("destinations", name));
  const recent = useQuery(queries.recentRuns(name));
  const [started, setStarted] = useState<string | null>(null);
  const found = recent.data?.items.find((run) => run.kind === "settle" && LIVE.has(run.status));
  const run = started ?? found?.run ?? null;
  if (run !== null && started === null) setStarted(run); // its result is shown when it has ended
  if (destination.data === undefined || (destination.data.state.unknown === 0 && run === null)) return null;
  return <Shown destination={destination.data} run={run} begun={(made) => setStarted(made.run)} />;
}

function Shown({ destination, run, begun }: { destination: Destination; run: string | null; begun: (run: Run) => void }) {
  const { name, state, value } = destination;
  const query = useQuery({ ...queries.run(run ?? ""), enabled: run !== null });
  const live = run !== null && (query.data === undefined || LIVE.has(query.data.status));
  const settle = useChange({ run: () => api.post<Run>(at`/destinations/${name}/settle`), refresh: [keys.runs], then: begun });
  const can = state.read_back === "possible" && state.unknown > 0;
  return (
    <Panel
      title={t.title}
      label={t.title}
      actions={
        can && (
          <Button onClick={() => settle.mutate()} loading={settle.isPending || live}>
            {value.request ? t.askApi : t.ask}
          </Button>
        )
      }
    >
      {state.unknown > 0 && <p style={{ marginTop: 0 }}>{t.about(name, state.unknown)}</p>}
      {state.unknown > 0 && state.read_back !== "possible" && <p className="muted">{t.whyNot[state.read_back]}</p>}
      <div aria-live="polite">
        {live && <UnderWay run={run} />}
        {!live && query.data && <Result run={query.data} destination={name} />}
      </div>
    </Panel>
  );
}

function UnderWay({ run }: { run: string }) {
  const progress = useProgress(run, true);
  const total = progress?.total ?? null;
  const done = OUTCOMES.reduce((sum, outcome) => sum + (outcome === "unsent" ? 0 : (progress?.records[outcome] ?? 0)), 0);
  const text = progress === null || progress.status === "queued" || total === null ? t.starting : t.reading(done, total);
  return (
    <>
      <p style={{ margin: "0 0 6px" }}>{text}</p>
      <Progress value={total === null || total === 0 ? 0 : (100 * done) / total} aria-label={t.progress} />
    </>
  );
}

function Result({ run, destination }: { run: Run; destination: string }) {
  const { settled } = run;
  const undecided = settled?.undecided ?? 0;
  const left = useQuery({
    queryKey: [...keys.quarantine, "findings", destination],
    queryFn: ({ signal }) => api.get<Items<QuarantineEntry>>("/quarantine", { query: { destination, outcome: "unknown", limit: SHOWN_FINDINGS }, signal }),
    enabled: undecided > 0,
  });
  const findings = new Set((left.data?.items ?? []).map((entry) => entry.finding).filter((finding) => finding !== null));
  const text = settled === undefined ? "" : t.found(settled, run.records.quarantined, [...findings].map(plainText));
  return (
    <>
      <p style={{ margin: 0 }}>{text === "" && run.status === "succeeded" ? t.nothing : text}</p>
      <Problems problems={run.errors ?? []} />
      <p className="muted" style={{ marginBottom: 0 }}>
        <Link to="/runs/$run" params={{ run: run.run }}>
          {t.run}
        </Link>
      </p>
    </>
  );
}
