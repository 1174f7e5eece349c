/** The progress of discards in the background. Refreshes the lists when one ends. */
import { Alert, Progress } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { keys, queries } from "@/api/queries";
import { t } from "@/texts/pages/quarantine";

const EVERY_MS = 1_000;

export function DiscardsUnderWay() {
  const client = useQueryClient();
  const query = useQuery({ ...queries.discards(), refetchInterval: (current) => (current.state.data?.some((discard) => discard.ended_at === null) ? EVERY_MS : false) });
  const open = (query.data ?? []).filter((discard) => discard.ended_at === null);
  const before = useRef(0);
  useEffect(() => {
    const fewer = open.length < before.current;
    before.current = open.length;
    if (fewer) void Promise.all([keys.quarantine, keys.kind("destinations")].map((queryKey) => client.invalidateQueries({ queryKey })));
  }, [open.length, client]);
  return open.map((discard) => (
    <Alert key={discard.id} mb="sm" title={t.discarding(discard.discarded, discard.total)} role="status">
      <Progress value={(100 * discard.discarded) / Math.max(1, discard.total)} aria-label={t.discarding(discard.discarded, discard.total)} />
    </Alert>
  ));
}
