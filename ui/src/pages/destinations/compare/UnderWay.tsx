/** A comparison that is going on: what it does now, and its requests. */
import { Loader } from "@mantine/core";
import { type QueryKey, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { queries } from "@/api/queries";
import { Problems } from "@/parts";
import { useProgress } from "@/resources/runs/progress";
import { t } from "@/texts/pages/comparison";
import { plainText } from "@/texts/service";

const LIVE = new Set(["queued", "running"]);

export function UnderWay({ run, refresh, ended }: { run: string; refresh: QueryKey[]; ended: () => void }) {
  const query = useQuery(queries.run(run));
  const client = useQueryClient();
  const live = query.data === undefined || LIVE.has(query.data.status);
  const progress = useProgress(run, live);
  const problems = query.data?.errors ?? [];
  useEffect(() => {
    if (live) return;
    void Promise.all(refresh.map((queryKey) => client.invalidateQueries({ queryKey }))).then(() => problems.length === 0 && ended());
  }, [live]); // eslint-disable-line react-hooks/exhaustive-deps
  if (!live) return <Problems problems={problems} />;
  return (
    <p style={{ marginTop: 0 }}>
      <Loader size="xs" mr={8} />
      {progress === null || progress.status === "queued" ? t.starting : t.running(plainText(progress.phase), progress.requests)}
    </p>
  );
}
