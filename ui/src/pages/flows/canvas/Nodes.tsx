/** The cards on the canvas: each shows the status of a resource and links to its page. */
import { IconArrowsSplit2, IconDatabase, IconFile, IconMessageReply, IconTable, IconTarget, IconWebhook, type TablerIcon } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { Handle, type Node, type NodeProps, Position, useReactFlow } from "@xyflow/react";
import { type FocusEvent, type ReactNode, useRef } from "react";
import type { DatasetNode, DestinationNode, SourceNode } from "@/api/types";
import { NOT_YET, OutcomeBar, RunStatus, Status, Time } from "@/parts";
import { DatasetMenu } from "@/resources/datasets/Menu";
import { t } from "@/texts/pages/flows";
import classes from "../style.module.css";
import { addressOf, type GraphNode, isLive } from "./graph";
import { SIZES } from "./layout";

export type CardNode = Node<{ node: GraphNode; flows: string[]; isFile: boolean }, "card">;
const SOURCES: Record<string, TablerIcon> = { file: IconFile, sql: IconDatabase, webhook: IconWebhook, responses: IconMessageReply };

export function Card({ id, data }: NodeProps<CardNode>) {
  const { node, flows, isFile } = data;
  const { getNode, setCenter, getZoom } = useReactFlow();
  const box = useRef<HTMLElement>(null);
  // the focused card is scrolled into view
  const onFocus = (event: FocusEvent) => {
    const canvas = box.current?.closest(".react-flow");
    // undoes the browser's own scrolling to the focused card, which would displace the canvas
    for (let part = box.current?.parentElement; part && canvas?.contains(part); part = part.parentElement) part.scrollTo(0, 0);
    const pane = canvas?.getBoundingClientRect();
    const own = event.target.getBoundingClientRect();
    const placed = getNode(id);
    if (pane === undefined || placed === undefined) return;
    if (own.left >= pane.left && own.right <= pane.right && own.top >= pane.top && own.bottom <= pane.bottom) return;
    const { width, height } = SIZES[node.kind];
    void setCenter(placed.position.x + width / 2, placed.position.y + height / 2, { zoom: getZoom() });
  };
  return (
    <article ref={box} className={classes.node} data-kind={node.kind} data-live={node.kind === "destination" && isLive(node.state.last_run)} aria-label={`${t.kinds[node.kind]} ${node.name}`} style={SIZES[node.kind]} onFocus={onFocus}>
      <Handle type="target" position={Position.Left} isConnectable={false} aria-hidden />
      {node.kind === "source" && <Source node={node} />}
      {node.kind === "dataset" && <Dataset node={node} />}
      {node.kind === "destination" && <Destination node={node} flows={flows} isFile={isFile} />}
      <Handle type="source" position={Position.Right} isConnectable={false} aria-hidden />
    </article>
  );
}

function Head({ icon: Icon, node, children }: { icon: TablerIcon; node: GraphNode; children?: ReactNode }) {
  return (
    <div className={classes.nodeHead}>
      <Icon size={16} stroke={1.7} aria-hidden />
      <Link to={addressOf(node)} className="nodrag" title={node.name}>
        {node.name}
      </Link>
      {children}
    </div>
  );
}

function Source({ node }: { node: SourceNode }) {
  const { hook } = node.state;
  return (
    <>
      <Head icon={SOURCES[node.type] ?? IconDatabase} node={node} />
      <div className={classes.nodeLine}>
        <span>{t.sourceTypes[node.type] ?? node.type}</span>
        {hook && (
          <span className={classes.end}>
            {t.received(hook.received)}
          </span>
        )}
      </div>
    </>
  );
}

function Dataset({ node }: { node: DatasetNode }) {
  return (
    <>
      <Head icon={IconTable} node={node}>
        <DatasetMenu name={node.name} />
      </Head>
      <div className={classes.nodeLine}>
        <span>{t.detected(node.state.records)}</span>
        {node.sql && <span className={classes.end}>{t.shaped}</span>}
      </div>
    </>
  );
}

function Destination({ node, flows, isFile }: { node: DestinationNode; flows: string[]; isFile: boolean }) {
  const { state } = node;
  const run = state.last_run;
  return (
    <>
      <Head icon={IconTarget} node={node}>
        <Status of={state.state} />
      </Head>
      <div className={classes.nodeLine}>
        <span className="truncate">{t.sends(node.template?.replaceAll("_", " ") ?? (isFile ? t.file : t.manual), node.credential)}</span>
        {flows.length > 0 && (
          <span className={classes.end} title={flows.map(t.inFlow).join(", ")} style={{ display: "inline-flex", gap: 4, alignItems: "center", minWidth: 0 }}>
            <IconArrowsSplit2 size={13} aria-hidden />
            <span className="truncate" style={{ maxWidth: 80 }}>
              {flows.join(", ")}
            </span>
          </span>
        )}
      </div>
      <OutcomeBar counts={run?.records ?? {}} height={5} />
      <div className={classes.nodeLine}>
        {run === null ? (
          <span>{t.neverRan}</span>
        ) : (
          <>
            <Link to="/runs/$run" params={{ run: run.run }} className="nodrag" style={{ display: "inline-flex", gap: 6, alignItems: "center", minWidth: 0, overflow: "hidden" }}>
              <RunStatus run={run} plain short />
              {isLive(run) ? <span className="num">{t.soFar(run.records.read ?? 0)}</span> : <Time at={run.finished_at ?? run.started_at} none={NOT_YET} />}
            </Link>
          </>
        )}
        {state.held > 0 && (
          <Link to="/quarantine" search={{ destination: node.name } as never} className={`nodrag ${classes.inQuarantine}`}>
            {t.inQuarantine(state.held)}
          </Link>
        )}
      </div>
    </>
  );
}
