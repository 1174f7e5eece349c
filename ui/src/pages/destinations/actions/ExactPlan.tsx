/** Reads Custify on request, and says how many records the next run would create and how many it would update. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Failed } from "@/parts";
import { t } from "@/texts/pages/destinations";
import { destinationQueries } from "../queries";

export function ExactPlan({ name }: { name: string }) {
  const plan = useQuery(destinationQueries.exactPlan(name));
  const { creates, updates, read_requests: reads } = plan.data ?? {};
  return (
    <div style={{ display: "grid", gap: 8, justifyItems: "start" }}>
      {creates !== undefined && updates !== undefined && (
        <p role="status">
          {t.exact.found(creates, updates)} <span className="muted">{t.exact.reads(reads ?? 0)}</span>
        </p>
      )}
      {plan.isError && !plan.isFetching && <Failed error={plan.error} retry={() => void plan.refetch()} />}
      <Button variant="default" size="xs" onClick={() => void plan.refetch()} loading={plan.isFetching}>
        {t.exact.verb}
      </Button>
    </div>
  );
}
