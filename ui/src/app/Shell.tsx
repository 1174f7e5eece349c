/** The frame around every page: navigation, search, user menu. */
import { ActionIcon, Kbd, Menu, Tooltip, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { IconCheck, IconDeviceDesktop, IconLogout, IconMoon, IconSearch, IconSun, IconUser } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouter } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { api } from "@/api/client";
import { queries } from "@/api/queries";
import type { Role } from "@/api/types";
import { compact } from "@/parts/values/format";
import { ValidityScope } from "@/parts/forms/validity";
import { forgetAll } from "@/resources/drafts/draft";
import { t } from "@/texts/shell";
import { client } from "./queryClient";
import { PLACES, type Place } from "./navigation";
import { Search, openSearch } from "./Search";
import { signedOut } from "./signedOut";
import classes from "./Shell.module.css";

const KEY = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";

export function Shell() {
  const main = useRef<HTMLElement>(null);
  const router = useRouter();
  // a new page starts at its top
  useEffect(() => router.subscribe("onResolved", ({ pathChanged }) => void (pathChanged && main.current?.scrollTo(0, 0))), [router]);
  return (
    <div className={classes.shell}>
      <a href="#content" className={classes.skip}>
        {t.skip}
      </a>
      <aside className={classes.side}>
        <Link to="/flows" className={classes.brand} aria-label={t.product}>
          <img src="/icon.svg" width={24} height={24} alt="" />
          <span>{t.product}</span>
        </Link>
        <UnstyledButton className={classes.search} onClick={openSearch} aria-keyshortcuts="Control+K Meta+K">
          <IconSearch size={15} aria-hidden />
          <span>{t.search.open}</span>
          <Kbd size="xs" aria-hidden>
            {KEY} K
          </Kbd>
        </UnstyledButton>
        <nav aria-label={t.nav.label} className={classes.nav}>
          {PLACES.map((group) => (
            <div key={group.title} className={classes.group}>
              <p className={classes.groupTitle}>{group.title}</p>
              {group.places.map((place) => (
                <NavItem key={place.to} place={place} />
              ))}
            </div>
          ))}
        </nav>
        <div className={classes.foot}>
          <PersonMenu />
          <SchemeMenu />
        </div>
      </aside>
      <main id="content" ref={main} className={classes.main} tabIndex={-1}>
        <ValidityScope>
          <Outlet />
        </ValidityScope>
      </main>
      <Search />
    </div>
  );
}

function NavItem({ place }: { place: Place }) {
  const Icon = place.icon;
  return (
    <Link to={place.to} className={classes.item} activeProps={{ "aria-current": "page" }} title={place.label}>
      <Icon size={17} stroke={1.7} aria-hidden />
      <span>{place.label}</span>
      {place.to === "/quarantine" && <QuarantineCount />}
    </Link>
  );
}

/** The number of records in quarantine. */
function QuarantineCount() {
  const groups = useQuery({ ...queries.quarantineGroups(), refetchInterval: 30_000 });
  const inQuarantine = groups.data?.reduce((sum, group) => sum + group.count, 0) ?? 0;
  return inQuarantine === 0 ? null : (
    <b className={classes.inQuarantine} aria-label={t.nav.inQuarantine(compact(inQuarantine))}>
      {compact(inQuarantine)}
    </b>
  );
}

function SchemeMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const choices = [
    { value: "light", icon: IconSun },
    { value: "dark", icon: IconMoon },
    { value: "auto", icon: IconDeviceDesktop },
  ] as const;
  const Now = choices.find((choice) => choice.value === colorScheme)?.icon ?? IconDeviceDesktop;
  return (
    <Menu position="right-end">
      <Menu.Target>
        <Tooltip label={t.scheme.label} position="right">
          <ActionIcon aria-label={t.scheme.label}>
            <Now size={16} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        {choices.map(({ value, icon: Icon }) => (
          <Menu.Item key={value} leftSection={<Icon size={15} />} rightSection={colorScheme === value && <IconCheck size={14} />} onClick={() => setColorScheme(value)}>
            {t.scheme[value]}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function PersonMenu() {
  const session = useQuery(queries.session());
  const navigate = useNavigate();
  const person = session.data?.person ?? null;
  const signIn = session.data?.sign_in === true;
  const signOut = async () => {
    await api.delete("/session");
    forgetAll(); // the next user does not get this user's drafts
    client.clear();
    await navigate({ to: "/sign-in" });
    signedOut.settle(false);
  };
  const name = signIn && person !== null ? person.name : t.person.local;
  return (
    <Menu position="right-end">
      <Menu.Target>
        <UnstyledButton className={classes.person} title={name}>
          <IconUser size={16} aria-hidden />
          <span className="truncate">{name}</span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown maw={260}>
        <Menu.Label>{signIn && person !== null ? `${person.name}, ${t.person.roles[person.role as Role]}` : t.person.localHint}</Menu.Label>
        {signIn && (
          <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => void signOut()}>
            {t.person.signOut}
          </Menu.Item>
        )}
        <Menu.Label>
          {t.product} {session.data?.version}
        </Menu.Label>
      </Menu.Dropdown>
    </Menu>
  );
}
