/** The page of a new dataset: from a source, or with the settings of another dataset. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { queries } from "@/api/queries";
import type { DatasetValue } from "@/api/types";
import { Loading } from "@/parts";
import type { Value } from "@/resources/Editor";
import { NewResource } from "@/resources/New";
import { DatasetForm } from "../Form";
import { FIRST_SQL, keysOf } from "../value";

export function NewDataset() {
  const { source = "", from } = useSearch({ from: "/shell/datasets/new" });
  const replies = from?.endsWith(".responses") === true; // replies: the dataset and its source have the same name
  const shaped = useQuery({ ...queries.one("datasets", from ?? ""), enabled: from !== undefined && !replies });
  const navigate = useNavigate();
  if (from !== undefined && !replies && shaped.isPending) return <Loading height={480} />;
  const first: DatasetValue = shaped.data ? { ...shaped.data.value, sql: shaped.data.value.sql ?? FIRST_SQL } : replies ? { source: from, key: "delivery", sql: FIRST_SQL } : { source, key: "" };
  return (
    <NewResource
      key={`${source}|${from ?? ""}`}
      kind="datasets"
      draft={`${source}|${from ?? ""}`}
      first={first as unknown as Value}
      suggest={(value) => from ?? String(value["source"] ?? "")}
      ready={(value) => value["source"] !== "" && keysOf(value as unknown as DatasetValue).length > 0}
      shows={["sql", "key"]}
      then={(name) => void navigate({ to: "/datasets/$name", params: { name } })}
      form={({ name, value, onChange, problems }) => <DatasetForm name={name} value={value as unknown as DatasetValue} onChange={(next) => onChange(next as unknown as Value)} problems={problems} />}
    />
  );
}
