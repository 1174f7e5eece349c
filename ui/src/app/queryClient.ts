import { QueryClient } from "@tanstack/react-query";
import { worthRetrying } from "@/api/queries";

export const client = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 5_000, retry: worthRetrying, refetchOnWindowFocus: true, networkMode: "always" },
    mutations: { retry: false, networkMode: "always" },
  },
});
