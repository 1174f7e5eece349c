/** The flows above the canvas, each with its next and last run. Choosing one limits the canvas to it. */
import { Select, UnstyledButton } from "@mantine/core";
import type { FlowNode } from "@/api/types";
import { RunStatus, Status, Time } from "@/parts";
import { t } from "@/texts/pages/flows";
import { FlowMenu } from "../actions/Menu";
import classes from "../style.module.css";

const FEW = 20;
interface Props {
  flows: FlowNode[];
  chosen: string | undefined;
  choose: (flow: string | undefined) => void;
}

export function FlowStrip({ flows, chosen, choose }: Props) {
  return (
    <div className={classes.strip} role="group" aria-label={t.pick}>
      <div className={classes.flow} data-chosen={chosen === undefined} data-all>
        <UnstyledButton className={classes.pick} aria-pressed={chosen === undefined} onClick={() => choose(undefined)}>
          <b>{t.all}</b>
        </UnstyledButton>
      </div>
      {flows.length > FEW && (
        <Select className={classes.find} aria-label={t.find(flows.length)} placeholder={t.find(flows.length)} data={flows.map((flow) => flow.name)} value={chosen ?? null} onChange={(name) => choose(name ?? undefined)} searchable clearable limit={30} />
      )}
      {cardsOf(flows, chosen).map((flow) => (
        <FlowCard key={flow.name} flow={flow} chosen={flow.name === chosen} choose={() => choose(flow.name === chosen ? undefined : flow.name)} />
      ))}
    </div>
  );
}

/** When there are many flows, the first ones and the chosen one have cards; the others are found by name. */
function cardsOf(flows: FlowNode[], chosen: string | undefined): FlowNode[] {
  if (flows.length <= FEW) return flows;
  const picked = flows.find((flow) => flow.name === chosen);
  const first = flows.slice(0, FEW);
  return picked === undefined || first.includes(picked) ? first : [picked, ...first];
}

function FlowCard({ flow, chosen, choose }: { flow: FlowNode; chosen: boolean; choose: () => void }) {
  const { state } = flow;
  return (
    <div className={classes.flow} data-chosen={chosen}>
      <UnstyledButton className={classes.pick} aria-pressed={chosen} onClick={choose}>
        <b className="truncate">{flow.name}</b>
        <span className={classes.small}>
          <ScheduleText flow={flow} />
        </span>
      </UnstyledButton>
      {state.last_run && <RunStatus run={state.last_run} plain />}
      <FlowMenu flow={flow} />
    </div>
  );
}

/** When the flow runs next. */
function ScheduleText({ flow }: { flow: FlowNode }) {
  const { state, schedule } = flow;
  if (state.paused) return <Status of="paused" plain />;
  if (schedule === null) return <>{t.manually}</>;
  if (state.next_at === null) return <>{schedule}</>;
  return (
    <>
      {t.due} <Time at={state.next_at} />
    </>
  );
}
