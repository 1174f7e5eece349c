/** One way to change something: run it, say what happened, refresh what it touched, and settle a conflict. */
import { type QueryKey, useMutation, useQueryClient } from "@tanstack/react-query";
import { ApiError } from "@/api/client";
import { t } from "@/texts/shell";
import { choose } from "./Confirm";
import { Conflict } from "./Conflict";
import { toast, toastFailure } from "./toast";

interface Change<Input, Output> {
  run: (input: Input) => Promise<Output>;
  /** What happened, in words; nothing is said when it returns null. */
  done?: (output: Output, input: Input) => string | null;
  undo?: (output: Output, input: Input) => Promise<unknown>;
  /** Keys whose data is old now. */
  refresh?: QueryKey[];
  /** Someone changed it meanwhile and the person wants to overwrite: run it again without the ETag. */
  overwrite?: (input: Input) => Promise<Output>;
  /** Both values, to show them; `label` names a setting by its path; `take` drops what this user typed. */
  conflict?: { theirs: () => Promise<unknown>; mine: unknown; label: (path: string) => string; take?: () => void };
  /** Where it leads; what is old is refreshed once it is there, so that nothing asks for what is gone. */
  then?: (output: Output, input: Input) => unknown;
  /** The page shows the errors itself. */
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
        const said = await choose({
          title: t.change.stale,
          consequence: conflict === undefined ? t.change.staleHint : <Conflict theirs={theirs} mine={conflict.mine} label={conflict.label} />,
          verb: t.change.overwrite,
          other: t.change.reload,
          cancel: t.change.keep,
          size: conflict === undefined ? "md" : "xl",
        });
        if (said === "yes") return change.overwrite(input);
        if (said === "other") {
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
