/** The page of flows: a canvas, or a list of the same. */
import { Button, SegmentedControl } from "@mantine/core";
import { IconArrowsSplit2, IconBuildingFactory2, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useMemo } from "react";
import { api } from "@/api/client";
import { everything, queries } from "@/api/queries";
import type { Flow, Overview } from "@/api/types";
import { Empty, Loaded, Loading, Page, toastFailure, useChange } from "@/parts";
import { t } from "@/texts/pages/flows";
import { FlowList } from "./list/Table";
import { FlowStrip } from "./list/Strip";
import classes from "./style.module.css";
import { flowsByDestination, flowsOf, foldersOf, graphOf, isLive, nextStep, partOfFlow } from "./canvas/graph";

const Canvas = lazy(() => import("./canvas/Canvas"));
const moves = (overview: Overview | undefined): boolean => overview?.nodes.some((node) => (node.kind === "destination" || node.kind === "flow") && isLive(node.state.last_run)) === true;
/** Milliseconds until the overview is requested again; a large overview is requested less often. */
const pauseOf = (overview: Overview | undefined): number => (moves(overview) ? ((overview?.nodes.length ?? 0) > LARGE ? 5_000 : 1_500) : 8_000);
const LARGE = 300;

export function FlowsPage() {
  const query = useQuery({ ...queries.overview(), refetchInterval: (current) => pauseOf(current.state.data) });
  const search = useSearch({ from: "/shell/flows" });
  const navigate = useNavigate({ from: "/flows" });
  const view = search.view ?? "canvas";
  return (
    <Page
      title={t.title}
      description={t.about}
      width="fill"
      actions={
        <>
          <SegmentedControl
            aria-label={t.view}
            value={view}
            onChange={(to) => void navigate({ search: (old) => ({ ...old, view: to === "list" ? ("list" as const) : undefined }), replace: true })}
            data={[
              { value: "canvas", label: t.canvas },
              { value: "list", label: t.list },
            ]}
          />
          <Button component={Link} to="/flows/new" leftSection={<IconPlus size={14} />}>
            {t.new}
          </Button>
        </>
      }
    >
      <Loaded query={query} meanwhile={<Loading height={480} />}>
        {(overview) => <Shown overview={overview} list={view === "list"} chosen={search.flow} choose={(flow) => void navigate({ search: (old) => ({ ...old, flow }), replace: true })} />}
      </Loaded>
    </Page>
  );
}

interface ShownProps {
  overview: Overview;
  list: boolean;
  chosen: string | undefined;
  choose: (flow: string | undefined) => void;
}
function Shown({ overview, list, chosen, choose }: ShownProps) {
  const flows = flowsOf(overview);
  const flow = flows.find((one) => one.name === chosen);
  const whole = useMemo(() => graphOf(overview), [overview]);
  const graph = useMemo(() => (flow === undefined ? whole : partOfFlow(whole, flow)), [whole, flow]);
  const running = useMemo(() => flowsByDestination(overview), [overview]);
  const withIt = useCallback((destination: string) => running.get(destination) ?? [], [running]);
  const folders = useMemo(() => foldersOf(overview), [overview]);
  if (whole.nodes.length === 0) return <Nothing />;
  return (
    <>
      <Next graph={whole} />
      {flows.length > 0 && <FlowStrip flows={flows} chosen={chosen} choose={choose} />}
      {list ? (
        <FlowList graph={graph} flowsOf={withIt} />
      ) : (
        <section className={classes.canvas} aria-label={t.canvasLabel}>
          <p className="sr-only">{t.keyboard}</p>
          <Suspense fallback={<Loading height={380} />}>
            <Canvas graph={graph} flowsOf={withIt} folders={folders} />
          </Suspense>
        </section>
      )}
    </>
  );
}

/** The next step, while nothing is sent yet. */
function Next({ graph }: { graph: ReturnType<typeof graphOf> }) {
  const step = nextStep(graph);
  if (step === null) return null;
  const to = step.kind === "dataset" ? `/datasets/new?source=${encodeURIComponent(step.of)}` : `/destinations/new?dataset=${encodeURIComponent(step.of)}`;
  return (
    <div className={classes.next}>
      <b>{t.next.title}</b>
      <span>{step.kind === "dataset" ? t.next.datasetWhy : t.next.destinationWhy}</span>
      <Button component={Link} to={to} leftSection={<IconPlus size={14} />}>
        {t.next[step.kind](step.of)}
      </Button>
    </div>
  );
}

function Nothing() {
  const load = useChange({
    run: async () => {
      await api.post("/demo");
      const flows = await everything<Flow>("/flows");
      // so that the page shows results, and parents are delivered before the draft is activated
      await Promise.all(flows.map(({ name }) => api.post("/runs", { target: name }))).catch(toastFailure);
    },
    done: () => t.empty.loaded,
    refresh: [[]],
  });
  return (
    <Empty
      icon={IconArrowsSplit2}
      title={t.empty.title}
      actions={
        <>
          <Button component={Link} to="/sources/new" leftSection={<IconPlus size={14} />}>
            {t.empty.source}
          </Button>
          <Button variant="default" leftSection={<IconBuildingFactory2 size={14} />} loading={load.isPending} onClick={() => load.mutate()}>
            {t.empty.demo}
          </Button>
        </>
      }
    >
      {t.empty.hint}
    </Empty>
  );
}
