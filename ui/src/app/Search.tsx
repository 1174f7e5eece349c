/** ⌘K: pages at once, everything else from the API. */
import { Spotlight, spotlight, type SpotlightActionGroupData } from "@mantine/spotlight";
import {
  IconArrowsSplit2,
  IconChartDots3,
  IconDatabase,
  IconKey,
  IconSearch,
  IconShieldExclamation,
  IconTable,
  IconTarget,
  type TablerIcon,
} from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useDeferredValue, useState } from "react";
import { queries } from "@/api/queries";
import type { Found } from "@/api/types";
import { t } from "@/texts/shell";
import { PLACES } from "./navigation";

export const openSearch = (): void => spotlight.open();

const ICONS: Record<string, TablerIcon> = {
  flow: IconArrowsSplit2,
  destination: IconTarget,
  run: IconChartDots3,
  record: IconShieldExclamation,
  quarantine: IconShieldExclamation,
  source: IconDatabase,
  dataset: IconTable,
  credential: IconKey,
};

/** Where a found thing is shown. */
export function addressOf(found: Found): string {
  const kind = found.kind.endsWith("s") ? found.kind.slice(0, -1) : found.kind;
  const folder = kind === "record" || kind === "quarantine" ? "quarantine" : `${kind}s`;
  return `/${folder}/${encodeURIComponent(found.name)}`;
}

export function Search() {
  const [words, setWords] = useState("");
  const asked = useDeferredValue(words);
  const navigate = useNavigate();
  const found = useQuery({ ...queries.search(asked), placeholderData: keepPreviousData });
  const typed = words.trim().toLowerCase();
  const pages = PLACES.flatMap((group) => group.places).filter((place) => place.label.toLowerCase().includes(typed));
  const groups: SpotlightActionGroupData[] = [
    {
      group: t.search.found,
      actions: (typed === "" ? [] : (found.data?.items ?? [])).map((item, i) => {
        const Icon = ICONS[item.kind.replace(/s$/, "")] ?? IconSearch;
        return {
          id: `found-${i}`,
          label: item.title || item.name,
          description: [item.kind, item.where].filter(Boolean).join(" · "),
          leftSection: <Icon size={17} stroke={1.7} />,
          onClick: () => void navigate({ to: addressOf(item) }),
        };
      }),
    },
    {
      group: t.search.pages,
      actions: pages.map((place) => ({
        id: place.to,
        label: place.label,
        leftSection: <place.icon size={17} stroke={1.7} />,
        onClick: () => void navigate({ to: place.to }),
      })),
    },
  ].filter((group) => group.actions.length > 0);
  return (
    <Spotlight
      actions={groups}
      query={words}
      onQueryChange={setWords}
      filter={(_, actions) => actions}
      shortcut={["mod + K", "/"]}
      nothingFound={t.search.nothing}
      searchProps={{ placeholder: t.search.placeholder, "aria-label": t.search.open, leftSection: <IconSearch size={17} /> }}
      scrollable
      maxHeight={420}
    />
  );
}
