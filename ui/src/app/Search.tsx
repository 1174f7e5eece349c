/** The search (⌘K): pages are found locally, everything else by the API. */
import { useDebouncedValue, useHotkeys } from "@mantine/hooks";
import { createSpotlight, Spotlight, type SpotlightActionGroupData } from "@mantine/spotlight";
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
import { useEffect, useState } from "react";
import { queries } from "@/api/queries";
import type { Found } from "@/api/types";
import { t } from "@/texts/shell";
import { PLACES } from "./navigation";

const [store, spotlight] = createSpotlight();
export const openSearch = (): void => spotlight.open();

/** Selects the first result when Enter is pressed before a result is selected. */
function selectFirst(): void {
  const list = document.getElementById(store.getState().listId);
  if (list === null || list.querySelector("[data-selected]") !== null) return;
  list.querySelector("[data-action]")?.setAttribute("data-selected", "true");
  store.updateState((state) => ({ ...state, selected: 0 }));
}

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

/** Actions that are available on every page. */
const BEGIN = [
  { to: "/destinations/new", label: t.search.begin.destination, icon: IconTarget },
  { to: "/sources/new", label: t.search.begin.source, icon: IconDatabase },
  { to: "/datasets/new", label: t.search.begin.dataset, icon: IconTable },
  { to: "/flows/new", label: t.search.begin.flow, icon: IconArrowsSplit2 },
  { to: "/credentials/new", label: t.search.begin.credential, icon: IconKey },
];

export function Search() {
  const [words, setWords] = useState("");
  const [settled] = useDebouncedValue(words, 120);
  const navigate = useNavigate();
  useEffect(() => {
    const frame = requestAnimationFrame(selectFirst);
    return () => cancelAnimationFrame(frame);
  });
  useHotkeys([["/", openSearch]]); // not while a field has the focus
  const found = useQuery({ ...queries.search(settled), placeholderData: keepPreviousData });
  const typed = words.trim().toLowerCase();
  const pages = PLACES.flatMap((group) => group.places);
  const offered = (places: { to: string; label: string; icon: TablerIcon }[]) =>
    places
      .filter((place) => place.label.toLowerCase().includes(typed))
      .map((place) => ({ id: place.to, label: place.label, leftSection: <place.icon size={17} stroke={1.7} />, onClick: () => void navigate({ to: place.to }) }));
  const kinds = new Map<string, Found[]>();
  for (const item of typed === "" ? [] : (found.data?.items ?? [])) kinds.set(item.kind, [...(kinds.get(item.kind) ?? []), item]);
  const groups: SpotlightActionGroupData[] = [
    ...[...kinds].map(([kind, items]) => ({
      group: t.search.kinds[kind] ?? kind,
      actions: items.map((item, i) => {
        const Icon = ICONS[kind] ?? IconSearch;
        return {
          id: `${kind}-${i}-${item.path}`,
          label: item.title || item.name,
          description: item.where,
          leftSection: <Icon size={17} stroke={1.7} />,
          onClick: () => void navigate({ to: item.path }),
        };
      }),
    })),
    { group: t.search.pages, actions: offered(pages) },
    { group: t.search.start, actions: offered(BEGIN) },
  ].filter((group) => group.actions.length > 0);
  const waits = typed !== "" && (found.isFetching || settled !== words);
  return (
    <Spotlight
      store={store}
      actions={groups}
      query={words}
      onQueryChange={setWords}
      filter={(_, actions) => actions}
      shortcut="mod + K"
      tagsToIgnore={[]} // also from within a field or an editor
      triggerOnContentEditable
      nothingFound={waits ? t.search.looking : found.isError ? t.search.failed : t.search.nothing}
      searchProps={{
        placeholder: t.search.placeholder,
        "aria-label": t.search.open,
        leftSection: <IconSearch size={17} />,
        onKeyDown: selectFirst, // runs before the search handles Enter
      }}
      scrollable
      maxHeight={420}
    />
  );
}
