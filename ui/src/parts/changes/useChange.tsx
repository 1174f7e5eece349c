/** Runs a change: shows the result, refreshes affected queries, and resolves conflicts with other users. */
import { type QueryKey, useMutation, useQueryClient } from "@tanstack/react-query";
import { ApiError } from "@/api/client";
import { t } from "@/texts/shell";
import { choose } from "./Confirm";
import { Conflict } from "./Conflict";
import { toast, toastFailure } from "./toast";

interface Change<Input, Output> {
  run: (input: Input) => Promise<Output>;
  /** The message after success; null: no message. */
  done?: (output: Output, input: Input) => string | null;
  undo?: (output: Output, input: Input) => Promise<unknown>;
  /** Keys of the queries that are out of date afterwards. */
  refresh?: QueryKey[];
  /** Runs the change again without the ETag, when another user changed the resource and this user overwrites it. */
  overwrite?: (input: Input) => Promise<Output>;
  /** Both values, to show them; `label` names a setting by its path; `take` drops what this user typed. */
  conflict?: { theirs: () => Promise<unknown>; mine: unknown; label: (path: string) => string; take?: () => void };
  /** Called after success, before queries are refreshed: a page that it leaves requests nothing that was deleted. */
  then?: (output: Output, input: Input) => unknown;
  /** The page shows errors itself: no message. */
  quiet?: boolean;
}

export function useChange<Input = void, Output = unknown>(change: Change<Input, Output>) {
  const client = useQueryClient();
  const refresh = () => Promise.all((change.refresh ?? []).map((queryKey) => client.invalidateQueries({ queryKey })));
  const mutation = useMutation<Output, unknown, Input>({
    mutationFn: async (input) => {
      try {
        return await change.run(input);
      } catch (error) {
        if (!(error instanceof ApiError && error.stale) || change.overwrite === undefined) throw error;
        const { conflict } = change;
        const theirs = await conflict?.theirs();
        const answer = await choose({
          title: t.change.stale,
          consequence: conflict === undefined ? t.change.staleHint : <Conflict theirs={theirs} mine={conflict.mine} label={conflict.label} />,
          verb: t.change.overwrite,
          other: t.change.reload,
          cancel: t.change.keep,
          size: conflict === undefined ? "md" : "xl",
        });
        if (answer === "yes") return change.overwrite(input);
        if (answer === "other") {
          conflict?.take?.();
          await refresh();
        }
        throw error;
      }
    },
    onSuccess: async (output, input) => {
      const text = change.done?.(output, input) ?? null;
      const { undo } = change;
      if (text !== null)
        toast({
          text,
          undo:
            undo &&
            (() =>
              void undo(output, input).then(
                () => {
                  toast({ text: t.change.undone });
                  return refresh();
                },
                (error: unknown) => toastFailure(error),
              )),
        });
      await change.then?.(output, input);
      await refresh();
    },
    onError: (error) => {
      if (change.quiet || (error instanceof ApiError && (error.stale || error.unreachable || error.status === 401))) return;
      toastFailure(error);
    },
  });
  return mutation;
}
