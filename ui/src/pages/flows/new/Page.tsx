import { useNavigate } from "@tanstack/react-router";
import type { FlowValue } from "@/api/types";
import type { Value } from "@/resources/Editor";
import { NewResource } from "@/resources/New";
import { t } from "@/texts/pages/flows";
import { FlowForm } from "../Form";

export function NewFlow() {
  const navigate = useNavigate();
  const first = { destinations: [] as string[] };
  return (
    <NewResource
      kind="flows"
      draft=""
      first={first}
      width="text"
      suggest={() => t.form.name}
      ready={(value) => [value["destinations"]].flat().length > 0}
      then={(name) => void navigate({ to: "/flows/$name", params: { name } })}
      form={({ value, onChange }) => <FlowForm value={value as unknown as FlowValue} onChange={(next) => onChange(next as unknown as Value)} />}
    />
  );
}
