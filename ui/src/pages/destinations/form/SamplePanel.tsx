/** The requests for the sample records with the unsaved settings. Each can be edited and sent as a test. */
import { Button, Collapse, Loader, SegmentedControl, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconChevronRight, IconSend } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { memo, useCallback, useEffect, useRef, useState } from "react";
import { api } from "@/api/client";
import type { DestinationValue, Preview, PreviewedRequest, TestReport } from "@/api/types";
import { Code, Diff, Empty, Failed, Key, Problems, pretty, problemsOf, Status, useChange } from "@/parts";
import { t } from "@/texts/pages/destinations";
import { refusalLine } from "@/texts/refusals";
import { noteText, plainText } from "@/texts/service";
import classes from "../style.module.css";
import { withoutField } from "./problems";
import { destinationQueries } from "../queries";

interface Props {
  name: string;
  value: DestinationValue;
  ready: boolean;
  /** Whether a form beside it shows problems at its fields. */
  form?: { manual: boolean; isFile: boolean };
}

export function SamplePanel({ name, value, ready, form }: Props) {
  const query = useQuery(destinationQueries.preview(name, value, ready));
  const [open, setOpen] = useState(0);
  const preview = ready ? query.data : undefined;
  const wrong = preview?.errors ?? [];
  const listed = form ? withoutField(wrong) : wrong;
  const toggle = useCallback((number: number) => setOpen((old) => (old === number ? -1 : number)), []);
  const latest = useRef({ name, value });
  latest.current = { name, value };
  const now = useCallback(() => latest.current, []);
  return (
    <aside className={classes.samples} aria-label={t.samples.title}>
      <header className={classes.samplesHead}>
        <h2>{t.samples.title}</h2>
        {query.isFetching && <Loader size={13} role="status" aria-label={t.samples.reading} />}
      </header>
      {query.isError && <Failed error={query.error} retry={() => void query.refetch()} />}
      <Problems problems={listed} />
      {wrong.length > 0 && listed.length === 0 && <Empty compact title={t.samples.marked} />}
      {preview?.requests.map((request, i) => (
        <Sample
          key={i}
          number={i + 1}
          total={preview.requests.length}
          request={request}
          now={now}
          open={open === i}
          toggle={toggle}
        />
      ))}
      {!ready && <Empty compact title={form?.isFile ? t.samples.beforeFile : form?.manual ? t.samples.beforeUrl : t.samples.before} />}
      {preview && preview.requests.length === 0 && wrong.length === 0 && (
        <Empty compact title={t.samples.none}>
          {t.samples.noneHint}
        </Empty>
      )}
      {preview && <PreviewNotes preview={preview} />}
    </aside>
  );
}

/** Refused samples, and what is changed before sending. */
export function PreviewNotes({ preview }: { preview: Preview }) {
  return (
    <>
      {preview.refused.length > 0 && (
        <section className={classes.remarks}>
          <h3>{t.samples.refused(preview.refused.length)}</h3>
          <ul>
            {preview.refused.slice(0, 5).map((refused, i) => (
              <li key={i}>
                <Key value={refused.key} /> {refusalLine(refused)}
              </li>
            ))}
          </ul>
        </section>
      )}
      {preview.notes.length > 0 && (
        <section className={classes.remarks}>
          <h3>{t.samples.notes}</h3>
          <ul>
            {preview.notes.map((note, i) => (
              <li key={i}>
                {note.field && <code>{note.field}</code>} {noteText(note)}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** The current text and the last different text. */
function useChanges(text: string): { before: string; changed: boolean } {
  const seen = useRef({ before: text, now: text });
  if (seen.current.now !== text) seen.current = { before: seen.current.now, now: text };
  return { before: seen.current.before, changed: seen.current.before !== text };
}

interface SampleProps {
  request: PreviewedRequest;
  number: number;
  total: number;
  /** Called with the body to test. */
  now: () => { name: string; value: DestinationValue };
  open: boolean;
  toggle: (number: number) => void;
}
/** An unchanged request is not rendered again. */
const Sample = memo(function Sample({ request, number, total, now, open, toggle }: SampleProps) {
  const body = pretty(request.body);
  const { before, changed } = useChanges(body);
  const [view, setView] = useState("plain");
  const [edited, setEdited] = useState<string | null>(null);
  const testing = edited !== null;
  useEffect(() => {
    if (!changed) setView("plain");
  }, [changed]);
  const send = useChange({
    run: () =>
      api.post<TestReport>("/destinations/test", { ...now(), sample: number, ...(edited !== body && edited !== null && { body: edited }) }),
    quiet: true,
  });
  return (
    <section className={classes.sample} data-open={open}>
      <UnstyledButton className={classes.sampleHead} onClick={() => toggle(number - 1)} aria-expanded={open}>
        {open ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}
        <b>{request.method}</b>
        <span className="truncate mono" title={request.url}>
          {request.url}
        </span>
        {changed && <span className={classes.changed}>{t.samples.changed}</span>}
        <span className="muted num">{t.samples.keys(request.records.length)}</span>
      </UnstyledButton>
      <Collapse expanded={open}>
        {open && (
          <div className={classes.sampleBody}>
            <dl className={classes.headers} aria-label={t.samples.headers}>
              {Object.entries(request.headers).map(([header, text]) => (
                <div key={header}>
                  <dt>{header}</dt>
                  <dd>{text}</dd>
                </div>
              ))}
            </dl>
            <div className={classes.sampleTools}>
              {changed && !testing ? (
                <SegmentedControl
                  value={view}
                  onChange={setView}
                  data={[
                    { value: "plain", label: t.samples.showPlain },
                    { value: "diff", label: t.samples.showChange },
                  ]}
                />
              ) : (
                <span className="muted">{testing ? t.samples.edited : request.method === "WRITE" ? t.samples.file : t.samples.of(number, total)}</span>
              )}
              <Button variant="default" onClick={() => setEdited(testing ? null : body)}>
                {testing ? t.samples.stop : t.samples.test}
              </Button>
            </div>
            {request.body === null && !testing ? (
              <p className="muted">{t.samples.noBody}</p>
            ) : testing ? (
              <Code value={edited} language="json" label={t.samples.body(number)} onChange={setEdited} maxHeight={420} lines />
            ) : view === "diff" && changed ? (
              <Diff before={before} after={body} language="json" label={t.samples.body(number)} maxHeight={420} />
            ) : (
              <Code value={body} before={before} language={body.startsWith("<") ? "xml" : "json"} label={t.samples.body(number)} readOnly maxHeight={420} />
            )}
            {request.unresolved.length > 0 && (
              <p className="muted">
                {t.samples.unresolved}: {request.unresolved.join(", ")}
              </p>
            )}
            {testing && (
              <div className={classes.sampleTools}>
                <span className="muted">{t.samples.counts}</span>
                <Button leftSection={<IconSend size={14} />} loading={send.isPending} onClick={() => send.mutate()}>
                  {t.samples.send}
                </Button>
              </div>
            )}
            {testing && send.isError && <Problems problems={problemsOf(send.error)} />}
            {testing && send.data && <Answer report={send.data} />}
          </div>
        )}
      </Collapse>
    </section>
  );
});

function Answer({ report }: { report: TestReport }) {
  const { response } = report;
  if (response === null && report.error === null)
    return (
      <div className={classes.answer} role="status">
        <Status of="ok" label={t.samples.written} />
      </div>
    );
  if (response === null)
    return (
      <div className={classes.answer} role="status">
        <Status of="error" label={t.samples.noReply} /> {plainText(report.error ?? "")}
      </div>
    );
  const well = response.status >= 200 && response.status < 300;
  return (
    <div className={classes.answer} role="status">
      <Status of={well ? "ok" : "error"} label={t.samples.replied(response.status, report.duration_ms)} />
      {response.body !== "" && <Code value={pretty(response.body)} language="json" label={t.samples.replied(response.status, report.duration_ms)} readOnly maxHeight={220} />}
    </div>
  );
}
