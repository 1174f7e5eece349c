import { NewResource } from "@/resources/ResourcePage";

export function NewSource() {
  return <NewResource kind="sources" first={{ type: "file", path: "data/contacts.csv" }} />;
}
