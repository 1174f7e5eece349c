/** One held record: why, the record to mend, the new bytes, and what to do with it. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { api, at } from "@/api/client";
import { keys } from "@/api/queries";
import type { Items, Preview, QuarantineDetail, Run } from "@/api/types";
import { Code, confirm, Facts, keyText, Loaded, Page, Panel, Problems, pretty, problemsOf, Status, useChange } from "@/parts";
import { refusal, refusalLine } from "@/texts/refusals";
import { t } from "@/texts/watch";
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
  const edit = () => api.patch(at`/quarantine/${entry.id}`, { record_text: text }); // as text: JavaScript's numbers would round
  const save = useChange({ run: edit, done: () => t.quarantine.saved, refresh, quiet: true });
  const preview = useQuery({
    queryKey: [...keys.quarantine, entry.id, "preview", before],
    queryFn: ({ signal }) => api.post<Preview>(at`/quarantine/${entry.id}/preview`, {}, { signal }),
  });
  const resend = useChange({
    run: async () => {
      if (dirty && whole) await edit();
      return api.post<Items<Run>>("/quarantine/resend", { ids: [entry.id] });
    },
    done: () => t.quarantine.resent,
    refresh,
    then: (begun) => {
      follow(begun);
      return back();
    },
  });
  const discard = useChange({ run: () => api.post("/quarantine/discard", { ids: [entry.id], reason: "" }), done: () => t.quarantine.discarded(1), refresh, then: back });
  const settle = useChange({ run: () => api.post(at`/quarantine/${entry.id}/settle`, { delivered: true }), done: () => t.quarantine.settled, refresh, then: back });
  const askDiscard = async () => {
    if (await confirm({ title: t.quarantine.discardTitle(1), consequence: t.quarantine.discardText(1), verb: t.quarantine.discard })) discard.mutate();
  };
  useEffect(() => setText(before), [before]);
  return (
    <Page
      title={keyText(entry.key)}
      before={<Status of={entry.outcome} />}
      crumbs={[{ label: t.quarantine.title, to: "/quarantine" }]}
      description={why.text}
      actions={
        <>
          <Button component={Link} to={`/destinations/${encodeURIComponent(entry.destination)}/configure`} variant="subtle">
            {t.quarantine.mapping}
          </Button>
          <Button variant="default" color="red" onClick={() => void askDiscard()}>
            {t.quarantine.discard}
          </Button>
          {entry.outcome === "unknown" && (
            <Button variant="default" onClick={() => settle.mutate()}>
              {t.quarantine.settle}
            </Button>
          )}
          <Button onClick={() => resend.mutate()} loading={resend.isPending} disabled={dirty && !whole}>
            {dirty ? t.quarantine.saveAndResend : t.quarantine.resend}
          </Button>
        </>
      }
    >
      {entry.outcome === "unknown" && <p className="muted">{t.quarantine.settleHint}</p>}
      <Panel title={t.quarantine.why}>
        <Facts
          items={[
            [t.quarantine.destination, entry.destination],
            [t.runs.field, entry.field ?? "–"],
            [t.quarantine.rule, entry.rule ?? "–"],
            [t.quarantine.value, entry.value ?? "–"],
          ]}
        />
        {why.way !== null && (
          <p>
            <b>{t.quarantine.way}</b> {why.way}
          </p>
        )}
      </Panel>
      <Panel
        title={t.quarantine.record}
        actions={
          <Button variant="default" disabled={!dirty || !whole} loading={save.isPending} onClick={() => save.mutate()}>
            {t.quarantine.save}
          </Button>
        }
      >
        <p className="muted">{!whole ? t.quarantine.notJson : t.quarantine.recordHint}</p>
        {save.isError && <Problems problems={problemsOf(save.error)} />}
        <Code value={text} language="json" label={t.quarantine.record} lines onChange={setText} maxHeight={420} />
      </Panel>
      <Panel title={t.quarantine.bytes}>
        <Loaded query={preview} height={120}>
          {(made) => (
            <>
              <Problems problems={made.errors ?? []} />
              {made.refused.map((refused, i) => (
                <p key={i}>{refusalLine(refused)}</p>
              ))}
              {made.requests.map((request, i) => (
                <Code key={i} value={pretty(request.body)} language="json" label={t.quarantine.bytes} readOnly maxHeight={320} />
              ))}
            </>
          )}
        </Loaded>
      </Panel>
      {(entry.request !== null || entry.reply !== null) && (
        <Panel title={t.quarantine.last}>
          <Code value={JSON.stringify({ request: entry.request, reply: entry.reply }, null, 2)} language="json" label={t.quarantine.last} readOnly maxHeight={320} />
        </Panel>
      )}
    </Page>
  );
}
