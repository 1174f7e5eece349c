import { NewResource } from "@/resources/ResourcePage";

export function NewDataset() {
  return <NewResource kind="datasets" first={{ source: "", key: "id" }} />;
}
