/** The page of a record in quarantine: reason, editor, new payload, actions. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { api, at } from "@/api/client";
import { keys } from "@/api/queries";
import type { Items, Preview, QuarantineDetail, Run } from "@/api/types";
import { Code, confirm, Facts, keyText, Loaded, Page, Panel, Problems, pretty, problemsOf, Status, useChange } from "@/parts";
import { refusal, refusalLine } from "@/texts/refusals";
import { plainText } from "@/texts/service";
import { t } from "@/texts/pages/quarantine";
import { t as runs } from "@/texts/pages/runs";
import { useFollow } from "@/resources/runs/progress";

export function EntryPage() {
  const { id } = useParams({ from: "/shell/quarantine/$id" });
  const query = useQuery({ queryKey: [...keys.quarantine, id], queryFn: ({ signal }) => api.get<QuarantineDetail>(at`/quarantine/${id}`, { signal }) });
  return (
    <Loaded query={query} height={480}>
      {(found) => <Shown entry={found} key={found.record_text} />}
    </Loaded>
  );
}

function isRecord(text: string): boolean {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === "object" && read !== null && !Array.isArray(read);
  } catch {
    return false;
  }
}

function Shown({ entry }: { entry: QuarantineDetail }) {
  const before = pretty(entry.record_text);
  const [text, setText] = useState(before);
  const whole = isRecord(text);
  const dirty = text !== before;
  const why = refusal(entry);
  const navigate = useNavigate();
  const refresh = [keys.quarantine, keys.runs, keys.kind("destinations")];
  const follow = useFollow();
  const back = () => navigate({ to: "/quarantine" });
  const edit = () => api.patch(at`/quarantine/${entry.id}`, { record_text: text }); // as text, since JavaScript rounds large numbers
  const save = useChange({ run: edit, done: () => t.saved, refresh, quiet: true });
  const preview = useQuery({
    queryKey: [...keys.quarantine, entry.id, "preview", before],
    queryFn: ({ signal }) => api.post<Preview>(at`/quarantine/${entry.id}/preview`, {}, { signal }),
  });
  const resend = useChange({
    run: async () => {
      if (dirty && whole) await edit();
      return api.post<Items<Run>>("/quarantine/resend", { ids: [entry.id] });
    },
    done: () => t.resent,
    refresh,
    then: (started) => {
      follow(started);
      return back();
    },
  });
  const discard = useChange({ run: () => api.post("/quarantine/discard", { ids: [entry.id], reason: "" }), done: () => t.discarded(1), refresh, then: back });
  const settle = useChange({ run: () => api.post(at`/quarantine/${entry.id}/settle`, { delivered: true }), done: () => t.settled, refresh, then: back });
  const askDiscard = async () => {
    if (await confirm({ title: t.discardTitle(1), consequence: t.discardText(1), verb: t.discard })) discard.mutate();
  };
  useEffect(() => setText(before), [before]);
  return (
    <Page
      title={keyText(entry.key)}
      before={<Status of={entry.outcome} />}
      crumbs={[{ label: t.title, to: "/quarantine" }]}
      description={why.text}
      actions={
        <>
          <Button component={Link} to={`/destinations/${encodeURIComponent(entry.destination)}/configure`} variant="subtle">
            {t.mapping}
          </Button>
          <Button variant="default" color="red" onClick={() => void askDiscard()}>
            {t.discard}
          </Button>
          {entry.outcome === "unknown" && (
            <Button variant="default" onClick={() => settle.mutate()}>
              {t.settle}
            </Button>
          )}
          <Button {...(entry.outcome === "unknown" && { variant: "default" })} onClick={() => resend.mutate()} loading={resend.isPending} disabled={dirty && !whole}>
            {dirty ? t.saveAndResend : t.resend}
          </Button>
        </>
      }
    >
      {entry.outcome === "unknown" && <p className="muted">{t.settleHint}</p>}
      <Panel title={t.why}>
        <Facts
          items={[
            [t.destination, entry.destination],
            [runs.field, entry.field ?? "–"],
            [t.rule, entry.rule ?? "–"],
            [t.value, entry.value ?? "–"],
            ...(entry.outcome === "unknown" ? ([[t.readBack, entry.finding === null ? t.notReadBack : plainText(entry.finding)]] as [string, string][]) : []),
          ]}
        />
        {why.way !== null && (
          <p>
            <b>{t.way}</b> {why.way}
          </p>
        )}
      </Panel>
      <Panel
        title={t.record}
        actions={
          <Button variant="default" disabled={!dirty || !whole} loading={save.isPending} onClick={() => save.mutate()}>
            {t.save}
          </Button>
        }
      >
        <p className="muted">{!whole ? t.notJson : t.recordHint}</p>
        {save.isError && <Problems problems={problemsOf(save.error)} />}
        <Code value={text} language="json" label={t.record} lines onChange={setText} maxHeight={420} />
      </Panel>
      <Panel title={t.bytes}>
        <Loaded query={preview} height={120}>
          {(made) => (
            <>
              <Problems problems={made.errors ?? []} />
              {made.refused.map((refused, i) => (
                <p key={i}>{refusalLine(refused)}</p>
              ))}
              {made.requests.map((request, i) => (
                <Code key={i} value={pretty(request.body)} language="json" label={t.bytes} readOnly maxHeight={320} />
              ))}
            </>
          )}
        </Loaded>
      </Panel>
      {(entry.request !== null || entry.reply !== null) && (
        <Panel title={t.last}>
          <Code value={JSON.stringify({ request: entry.request, reply: entry.reply }, null, 2)} language="json" label={t.last} readOnly maxHeight={320} />
        </Panel>
      )}
    </Page>
  );
}
