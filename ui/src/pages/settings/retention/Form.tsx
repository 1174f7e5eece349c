/** The form of retention: how long data is stored, in days. */
import { Button, Switch } from "@mantine/core";
import { Loaded, NumberField, Panel, Problems, problemsOf, useValidated } from "@/parts";
import { t as all } from "@/texts/pages/settings";
import { useDocument } from "../queries";
import classes from "../style.module.css";

const t = all.retention;
type Days = Record<string, number>;
const MOST = 36_500;

export function Retention() {
  const { query, value, edit, touched, save } = useDocument<Days>("retention");
  const validated = useValidated();
  return (
    <Loaded query={query} height={320}>
      {() => {
        const days = value ?? {};
        const set = (name: string, n: number) => edit({ ...days, [name]: n });
        return (
          <Panel
            title={all.tabs.retention}
            actions={
              <Button disabled={!touched} loading={save.isPending} onClick={validated(() => save.mutate())}>
                {all.save}
              </Button>
            }
          >
            <p className="muted" style={{ marginTop: 0 }}>
              {t.about}
            </p>
            {save.isError && <Problems problems={problemsOf(save.error)} />}
            <div className={classes.rules}>
              {Object.entries(days).map(([name, n]) => {
                const [label, about] = t.names[name] ?? [name, ""];
                return (
                  <div key={name} className={classes.rule} role="group" aria-label={label}>
                    <span>
                      {label}
                      {about !== "" && <small>{about}</small>}
                    </span>
                    <Switch aria-label={`${label}: ${t.keep}`} title={t.keep} checked={n === 0} onChange={(event) => set(name, event.currentTarget.checked ? 0 : 90)} />
                    <NumberField
                      aria-label={`${label}: ${t.days}`}
                      min={1}
                      max={MOST}
                      disabled={n === 0}
                      value={n === 0 ? null : n}
                      placeholder={t.forever}
                      suffix={` ${t.days}`}
                      allowDecimal={false}
                      onChange={(input) => input !== null && set(name, input)}
                    />
                  </div>
                );
              })}
            </div>
            <p className="muted">{t.stays}</p>
          </Panel>
        );
      }}
    </Loaded>
  );
}
