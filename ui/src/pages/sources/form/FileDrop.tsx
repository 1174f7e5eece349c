/** A file from this computer to the service: dropped or chosen, with its progress. */
import { Button } from "@mantine/core";
import { IconFileUpload } from "@tabler/icons-react";
import { type DragEvent, useRef, useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { upload } from "@/api/client";
import { queries } from "@/api/queries";
import type { Problem, Upload } from "@/api/types";
import { Problems, problemsOf } from "@/parts";
import classes from "@/resources/style.module.css";
import { t } from "@/texts/pages/sources";

interface Sending {
  name: string;
  share: number;
  stop: AbortController;
}

interface Props {
  onUploaded: (uploaded: Upload, name: string) => void;
  /** The source has a file already. */
  replaces?: boolean;
}
export function FileDrop({ onUploaded, replaces = false }: Props) {
  const formats = (useQuery(queries.formats()).data ?? []).filter((format) => format.can_upload);
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [sending, setSending] = useState<Sending | null>(null);
  const [done, setDone] = useState<(Upload & { name: string }) | null>(null);
  const [problems, setProblems] = useState<Problem[]>([]);
  const send = async (file: File | undefined) => {
    if (file === undefined) return;
    const stop = new AbortController();
    setProblems([]);
    setDone(null);
    setSending({ name: file.name, share: 0, stop });
    try {
      const made = await upload<Upload>("/sources/upload", file, { filename: file.name }, (share) => setSending({ name: file.name, share, stop }), stop.signal);
      setDone({ ...made, name: file.name });
      onUploaded(made, file.name);
    } catch (error) {
      if (!(error instanceof DOMException)) setProblems(problemsOf(error));
    }
    setSending(null);
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void send(event.dataTransfer.files[0]);
  };
  return (
    <div className={classes.form}>
      {/* the whole field is the label of its input: a click, Enter or Space on it chooses a file */}
      <label
        className={classes.drop}
        data-over={over}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={onDrop}
      >
        <IconFileUpload size={26} stroke={1.5} aria-hidden />
        <b>{sending === null ? (replaces ? t.upload.replace : t.upload.drop) : t.upload.sending(sending.name, sending.share)}</b>
        {sending === null ? <span className={classes.hint}>{done === null ? t.upload.formats(formats.map((format) => format.label)) : t.upload.again}</span> : <progress value={sending.share} max={1} aria-label={t.upload.sending(sending.name, sending.share)} />}
        <input
          ref={input}
          type="file"
          className="sr-only"
          aria-label={t.upload.label}
          accept={formats.length === 0 ? undefined : [...new Set(formats.flatMap((format) => format.extensions)), ".gz"].join(",")}
          disabled={sending !== null}
          onChange={(event) => {
            void send(event.currentTarget.files?.[0]);
            event.currentTarget.value = ""; // the same file may be chosen again
          }}
        />
      </label>
      <div role="status">
        {done !== null && <span className={classes.hint}>{t.upload.done(done.name, done.bytes, formats.find((format) => format.name === done.format)?.label ?? done.format)}</span>}
        {sending !== null && (
          <Button variant="default" onClick={() => sending.stop.abort()}>
            {t.upload.stop}
          </Button>
        )}
      </div>
      <Problems problems={problems} />
    </div>
  );
}
