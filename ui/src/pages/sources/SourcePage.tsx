import { useParams } from "@tanstack/react-router";
import { ResourcePage } from "@/resources/ResourcePage";

export function SourcePage() {
  const { name } = useParams({ from: "/shell/sources/$name" });
  return <ResourcePage kind="sources" name={name} />;
}
