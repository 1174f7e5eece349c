/** The settings, in tabs. The address names the tab. */
import { Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { queries } from "@/api/queries";
import { Loading, Page } from "@/parts";
import { t } from "@/texts/pages/settings";
import { Account } from "./account/Form";
import { Alerts } from "./alerts/Form";
import { People } from "./people/List";
import { Retention } from "./retention/Form";
import { type Tab, TABS } from "./search";
import { Tokens } from "./tokens/List";

export function SettingsPage() {
  const { tab = "people" } = useSearch({ from: "/shell/settings" });
  const navigate = useNavigate();
  const session = useQuery(queries.session());
  if (session.data === undefined) return <Loading height={360} />;
  const parts: Record<Tab, ReactNode> = {
    people: <People session={session.data} />,
    tokens: <Tokens session={session.data} />,
    alerts: <Alerts />,
    retention: <Retention />,
    account: <Account session={session.data} />,
  };
  return (
    <Page title={t.title}>
      <Tabs value={tab} onChange={(to) => void navigate({ to: "/settings", search: { tab: to as Tab } })}>
        <Tabs.List>
          {TABS.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {t.tabs[one]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {TABS.map((one) => (
          <Tabs.Panel key={one} value={one} pt="md">
            {parts[one]}
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  );
}
