/** The page of a source: its records, its settings, and the datasets that use it. */
import { Button } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { queries } from "@/api/queries";
import type { SourceValue } from "@/api/types";
import { Empty, Loaded, Panel } from "@/parts";
import classes from "@/resources/style.module.css";
import { ResourcePage } from "@/resources/Page";
import { t } from "@/texts/pages/sources";
import { HookPanel } from "./hook/Panel";
import { SourceCheck } from "./form/Check";
import { SourceForm } from "./Form";
import { asTable, isUpload } from "./value";

export function SourcePage() {
  const { name } = useParams({ from: "/shell/sources/$name" });
  const make = (touched: boolean) => (
    <Button variant={touched ? "default" : "filled"} component={Link} to={`/datasets/new?source=${encodeURIComponent(name)}`} leftSection={<IconPlus size={14} />}>
      {t.page.makeDataset}
    </Button>
  );
  return (
    <ResourcePage
      kind="sources"
      name={name}
      actions={(_, touched) => make(touched)}
      description={(found) => t.types[(found.value as SourceValue).type] ?? ""}
      form={({ value, onChange }) => {
        const source = value as SourceValue;
        return (
          <div className={classes.split}>
            <div className={classes.main}>
              {source.type === "webhook" && <HookPanel name={name} />}
              <SourceForm value={source} onChange={onChange} uploads={isUpload(source)} />
            </div>
            <div className={classes.side}>
              <UsedBy name={name} />
              {source.type !== "webhook" && <SourceCheck name={name} value={source} onTable={(table) => onChange({ ...asTable(source), table })} onEncoding={(encoding) => onChange({ ...source, encoding })} atOnce={source.type === "file"} />}
            </div>
          </div>
        );
      }}
    />
  );
}

function UsedBy({ name }: { name: string }) {
  const query = useQuery(queries.one("sources", name));
  return (
    <Panel title={t.page.usedBy}>
      <Loaded query={query} height={40}>
        {(found) =>
          found.state.used_by.length === 0 ? (
            <Empty compact title={t.page.noDataset}>
              {t.page.noDatasetHint}
            </Empty>
          ) : (
            <ul style={{ margin: 0, padding: 0, listStyle: "none", display: "flex", gap: "6px 16px", flexWrap: "wrap" }}>
              {found.state.used_by.map((dataset) => (
                <li key={dataset}>
                  <Link to="/datasets/$name" params={{ name: dataset }}>
                    {dataset}
                  </Link>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Panel>
  );
}
