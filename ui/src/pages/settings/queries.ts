/** Queries of the settings. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, tagged } from "@/api/client";
import { everything } from "@/api/queries";
import type { Token } from "@/api/types";
import { useChange } from "@/parts";
import { settingLabel, t } from "@/texts/pages/settings";

export const tokensQuery = () => queryOptions({ queryKey: ["tokens"], queryFn: ({ signal }) => everything<Token>("/tokens", {}, signal) });

/** A settings document of the service. It is saved as a whole; its ETag prevents that another user's change is overwritten. */
export function useDocument<T>(name: string) {
  const key = ["settings", name];
  const query = useQuery({ queryKey: key, queryFn: ({ signal }) => tagged<T>(`/settings/${name}`, { signal }), refetchOnWindowFocus: false });
  const [edited, setEdited] = useState<T | null>(null);
  const value = edited ?? query.data?.value;
  const write = (etag?: string) => api.put<T>(`/settings/${name}`, value, etag === undefined || etag === "" ? {} : { etag });
  const save = useChange({
    run: () => write(query.data?.etag),
    overwrite: () => write(),
    conflict: { theirs: async () => (await tagged<T>(`/settings/${name}`)).value, mine: edited, label: settingLabel, take: () => setEdited(null) },
    done: () => t.saved,
    refresh: [key],
    quiet: true,
    then: () => setEdited(null),
  });
  return { query, value, edit: setEdited, touched: edited !== null, discard: () => setEdited(null), save };
}
