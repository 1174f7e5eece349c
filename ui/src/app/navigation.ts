import {
  IconArrowsSplit2,
  IconChartDots3,
  IconDatabase,
  IconHistory,
  IconKey,
  IconListDetails,
  IconMessageReply,
  IconSettings,
  IconShieldExclamation,
  IconTable,
  IconTarget,
  type TablerIcon,
} from "@tabler/icons-react";
import { t } from "@/texts/shell";

export interface Place {
  to: string;
  label: string;
  icon: TablerIcon;
}
export const PLACES: { title: string; places: Place[] }[] = [
  {
    title: t.nav.send,
    places: [
      { to: "/flows", label: t.nav.flows, icon: IconArrowsSplit2 },
      { to: "/destinations", label: t.nav.destinations, icon: IconTarget },
    ],
  },
  {
    title: t.nav.watch,
    places: [
      { to: "/runs", label: t.nav.runs, icon: IconChartDots3 },
      { to: "/quarantine", label: t.nav.quarantine, icon: IconShieldExclamation },
      { to: "/responses", label: t.nav.responses, icon: IconMessageReply },
    ],
  },
  {
    title: t.nav.data,
    places: [
      { to: "/sources", label: t.nav.sources, icon: IconDatabase },
      { to: "/datasets", label: t.nav.datasets, icon: IconTable },
      { to: "/credentials", label: t.nav.credentials, icon: IconKey },
    ],
  },
  {
    title: t.nav.admin,
    places: [
      { to: "/versions", label: t.nav.versions, icon: IconHistory },
      { to: "/audit", label: t.nav.audit, icon: IconListDetails },
      { to: "/settings", label: t.nav.settings, icon: IconSettings },
    ],
  },
];
