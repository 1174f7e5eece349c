import { Button } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import { api } from "@/api/client";
import { keys } from "@/api/queries";
import type { Run } from "@/api/types";
import { useChange } from "@/parts";
import { NewResource, ResourcePage } from "@/resources/ResourcePage";
import { t } from "@/texts/resources";

export function FlowPage() {
  const { name } = useParams({ from: "/shell/flows/$name" });
  const navigate = useNavigate();
  const run = useChange({
    run: () => api.post<Run>("/runs", { target: name }),
    done: (made) => t.asked(made.run),
    refresh: [keys.runs],
    then: (made) => void navigate({ to: "/runs/$run", params: { run: made.run } }),
  });
  return (
    <ResourcePage
      kind="flows"
      name={name}
      actions={() => (
        <Button variant="default" onClick={() => run.mutate()} loading={run.isPending}>
          {t.run}
        </Button>
      )}
    />
  );
}

export function NewFlow() {
  return <NewResource kind="flows" first={{ destinations: [], schedule: "0 2 * * *", timezone: "UTC" }} />;
}
