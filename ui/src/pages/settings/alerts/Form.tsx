/** The form of alerts: channels, rules, open alerts. */
import { Button, MultiSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Alert, AlertSettings, ChannelTest, Items } from "@/api/types";
import { Empty, Loaded, Panel, Problems, problemsOf, Status, Time, useChange, useValidated } from "@/parts";
import { t as all } from "@/texts/pages/settings";
import { plainText } from "@/texts/service";
import { Channels } from "./Channels";
import { useDocument } from "../queries";
import { NumberRule, SwitchRule } from "./Rules";
import classes from "../style.module.css";

const t = all.alerts;

type Rule = keyof AlertSettings["rules"];
const SWITCHES: Rule[] = ["run_failed", "run_partial", "run_results", "credential_refused", "columns_changed", "drift"];
/** The rules with a number: how it is shown, its value when the rule is turned on, and whether it can be off. */
const NUMBERS: { name: Rule; on: number; percent?: boolean; part?: boolean; least?: number }[] = [
  { name: "quarantine_more", on: 100, least: 0 },
  { name: "error_share", on: 0.1, percent: true },
  { name: "error_least", on: 20, part: true, least: 1 },
  { name: "stalled_minutes", on: 1440 },
  { name: "waiting_minutes", on: 5 },
  { name: "volume_under", on: 0.5, percent: true },
  { name: "volume_over", on: 3, least: 1 },
  { name: "volume_runs", on: 5, part: true, least: 3 },
];

export function Alerts() {
  const { query, value, edit, touched, save } = useDocument<AlertSettings>("alerts");
  const destinations = useQuery(queries.kind("destinations"));
  const validated = useValidated();
  const test = useChange({ run: () => api.post<Items<ChannelTest>>("/settings/alerts/test"), quiet: true });
  return (
    <div className={classes.part}>
      <Now />
      <Loaded query={query} height={480}>
        {() => {
          if (value === undefined) return null;
          const rule = (name: Rule, input: number | boolean | null) => edit({ ...value, rules: { ...value.rules, [name]: input } });
          return (
            <>
              <Panel
                title={t.channels}
                actions={
                  <>
                    <Button variant="default" disabled={touched || Object.keys(value.channels).length === 0} title={touched ? t.testUnsaved : undefined} loading={test.isPending} onClick={() => test.mutate()}>
                      {t.test}
                    </Button>
                    <Button disabled={!touched} loading={save.isPending} onClick={validated(() => save.mutate())}>
                      {all.save}
                    </Button>
                  </>
                }
              >
                {save.isError && <Problems problems={problemsOf(save.error)} />}
                {test.isError && <Problems problems={problemsOf(test.error)} />}
                <Channels channels={value.channels} onChange={(channels) => edit({ ...value, channels })} />
                {test.data && !touched && (
                  <ul className={classes.answers} role="status">
                    {test.data.items.map((one) => (
                      <li key={one.channel}>
                        <Status of={one.ok ? "ok" : "error"} label={one.ok ? t.tested(one.channel) : `${one.channel}: ${one.reason ?? ""}`} plain />
                      </li>
                    ))}
                  </ul>
                )}
              </Panel>
              <Panel title={t.rules}>
                <div className={classes.rules}>
                  {SWITCHES.map((name) => (
                    <SwitchRule key={name} label={t.names[name] ?? name} on={value.rules[name] === true} onChange={(on) => rule(name, on)} />
                  ))}
                  {NUMBERS.map(({ name, ...how }) => (
                    <NumberRule key={name} label={t.names[name] ?? name} unit={t.units[name] ?? ""} value={value.rules[name] as number | null} onChange={(input) => rule(name, input)} {...how} />
                  ))}
                </div>
                <MultiSelect label={t.quiet} mt="md" data={(destinations.data ?? []).map((one) => one.name)} value={value.quiet} searchable onChange={(quiet) => edit({ ...value, quiet })} />
              </Panel>
              <Panel title={t.manners}>
                <div className={classes.rules}>
                  <NumberRule label={t.repeat_hours} unit={t.units["repeat_hours"] ?? ""} part on={24} least={1} value={value.rules["repeat_hours"] as number} onChange={(input) => rule("repeat_hours", input)} />
                  <NumberRule label={t.calm_minutes} unit={t.units["calm_minutes"] ?? ""} part on={10} least={0} value={value.rules["calm_minutes"] as number} onChange={(input) => rule("calm_minutes", input)} />
                  <NumberRule label={t.digest} unit={t.units["digest"] ?? ""} part on={3} least={1} value={value.digest} onChange={(digest) => edit({ ...value, digest: digest ?? 3 })} />
                </div>
              </Panel>
            </>
          );
        }}
      </Loaded>
    </div>
  );
}

/** The open alerts. */
function Now() {
  const query = useQuery({ queryKey: ["alerts"], queryFn: ({ signal }) => api.get<Items<Alert>>("/alerts", { signal }), refetchInterval: 15_000 });
  return (
    <Panel title={t.now}>
      <p className="muted" style={{ marginTop: 0 }}>
        {t.about}
      </p>
      <Loaded query={query} height={40}>
        {({ items }) => {
          const raised = items.filter((one) => one.state === "raised");
          if (raised.length === 0) return <Empty compact title={t.noneOpen} />;
          return (
            <ul className={classes.answers}>
              {raised.map((one) => (
                <li key={one.id}>
                  <Status of="partial" label={one.id} plain /> {plainText(one.reason)} · <Time at={one.since} />
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </Panel>
  );
}
